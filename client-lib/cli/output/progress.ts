import type { Cli } from "../context.ts";

/** One line on a terminal that is drawn over; nothing at all anywhere else. */
export interface Progress {
  /** @param share from 0 to 1 */
  show(share: number): void;
  /** Takes the line away. */
  clear(): void;
}

const WIDTH = 30;

export function createProgress(err: Cli["err"], label: string): Progress {
  let drawn = false;
  return {
    show(share) {
      if (!err.isTerminal) return;
      const full = Math.floor(share * WIDTH);
      const bar = "#".repeat(full).padEnd(WIDTH, ".");
      // Not rounded up: 100 % is said of what is complete.
      err.write(`\r${label} [${bar}] ${String(Math.floor(share * 100)).padStart(3)} %`);
      drawn = true;
    },
    clear() {
      // ECMA-48, section 8.3.41 (EL): to the end of the line.
      if (drawn) err.write("\r\u001B[K");
      drawn = false;
    },
  };
}
