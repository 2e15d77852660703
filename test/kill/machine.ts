import { type MortalDaemon, startMortal } from "../support/mortal.ts";
import { tempDir } from "../support/temp.ts";

/** One machine of a test, whose daemon is killed again and again. */
export interface Machine {
  readonly home: string;
  /** The daemon: the one that runs, or after a death a new one on the same folder. */
  up(): Promise<MortalDaemon>;
  close(): Promise<void>;
}

export function createMachine(
  env: Readonly<Record<string, string>> | ((home: string) => Readonly<Record<string, string>>),
): Machine {
  const { path: home, remove } = tempDir("hd");
  let daemon: MortalDaemon | null = null;
  return {
    home,
    async up() {
      // One that was to die and did not, because its test failed, must not be met by the next test.
      if (daemon?.isArmed === true) await daemon.close();
      if (daemon === null || daemon.process.exit !== undefined) {
        daemon = await startMortal({ home, env: typeof env === "function" ? env(home) : env });
      }
      return daemon;
    },
    async close() {
      await daemon?.close();
      remove();
    },
  };
}
