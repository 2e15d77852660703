import { CommanderError } from "commander";
import { version } from "../package-root.ts";
import type { Cli } from "./context.ts";
import { escapeControls } from "./output/escape.ts";
import { createProgram } from "./program.ts";

/** The exit codes of `historyctl`: a promise to scripts, repeated in `--help`. */
export const EXIT = {
  ok: 0,
  /** The daemon refused, there is no such entry, the sync failed, or the disk refused. */
  failed: 1,
  /** The command line is not understood. */
  usage: 2,
  /** The daemon is not running, or did not answer in time. */
  unavailable: 3,
} as const;

/** Runs one command line. An error is one line on `err` that says what to do. @returns the exit code */
export async function run(args: readonly string[], cli: Cli): Promise<number> {
  try {
    await createProgram(cli, version).parseAsync(args, { from: "user" });
    return EXIT.ok;
  } catch (error) {
    // Commander has said it, be it help or an error.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const { code, message } = error as Error & { code?: unknown };
    cli.err.write(`historyctl: ${escapeControls(message)}\n`);
    return code === "HD_UNAVAILABLE" ? EXIT.unavailable : EXIT.failed;
  }
}
