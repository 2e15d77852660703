import { performance } from "node:perf_hooks";

/** Tells, step by step, what happens and how long it took. */
export interface Steps {
  heading(text: string): void;
  /**
   * Runs one step. While it runs a terminal shows what is going on; when it is done a line says what came of it.
   * @param work gets `progress`, to say how far it is; resolves with the words for the finished line
   */
  step(doing: string, work: (progress: (text: string) => void) => Promise<string>): Promise<void>;
}

/** @param live whether stderr is a terminal, where a line can be written over */
export function createSteps(out: (line: string) => void, err: (text: string) => void, live: boolean): Steps {
  const show = (text: string): void => {
    if (live) err(`\r\u001b[K  … ${text}`);
  };
  return {
    heading(text) {
      out(`\n${text}`);
    },
    async step(doing, work) {
      const started = performance.now();
      show(doing);
      try {
        const done = await work((text) => {
          show(`${doing}: ${text}`);
        });
        const ms = Math.round(performance.now() - started);
        if (live) err("\r\u001b[K");
        out(`  ✓ ${done.padEnd(84)} ${`${ms} ms`.padStart(9)}`);
      } catch (error) {
        if (live) err("\r\u001b[K");
        out(`  ✗ ${doing}`);
        throw error;
      }
    },
  };
}
