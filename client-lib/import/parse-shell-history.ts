import { parseBashHistory } from "./bash.ts";
import { parseFishHistory } from "./fish.ts";
import type { ImportReport, ShellKind } from "./shell-history.ts";
import { parseZshHistory } from "./zsh.ts";

const READERS: Record<ShellKind, (data: Buffer) => ImportReport> = {
  bash: parseBashHistory,
  zsh: parseZshHistory,
  fish: parseFishHistory,
};

/**
 * Reads a history file in the format of one shell; `detectShell` says which.
 *
 * @param data the whole file
 * @returns never throws: what cannot be taken is in `skipped`, and the rest arrives
 */
export function parseShellHistory(shell: ShellKind, data: Buffer): ImportReport {
  return READERS[shell](data);
}
