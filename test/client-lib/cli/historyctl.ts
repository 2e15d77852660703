import path from "node:path";
import type { Cli } from "../../../client-lib/cli/context.ts";
import { run } from "../../../client-lib/cli/run.ts";
import { startProcess } from "../../support/processes.ts";

export interface Ran {
  code: number | null;
  out: string;
  err: string;
}

/** The command line as compiled before the first test. */
export const historyctlProgram: string = path.resolve(
  import.meta.dirname,
  "../../../dist/client-lib/cli/main.js",
);

/** Runs `historyctl` as a process of its own, with just this environment. */
export async function historyctl(
  args: readonly string[],
  options: { env: Readonly<Record<string, string>>; input?: string; cwd?: string },
): Promise<Ran> {
  const running = await startProcess(process.execPath, [historyctlProgram, ...args], {
    input: "",
    ...options,
  });
  const { code } = await running.exited;
  const toText = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");
  return { code, out: toText(running.stdout), err: toText(running.stderr) };
}

/** Runs a command line in this process, as on a terminal of that width. */
export async function runHere(
  args: readonly string[],
  options: Partial<Omit<Cli, "out" | "err">> & {
    width?: number | null;
    color?: boolean;
    /** Standard error is a terminal. */
    watched?: boolean;
  },
): Promise<Ran> {
  const { width = null, color = false, watched = false, ...cli } = options;
  let out = "";
  let err = "";
  const code = await run(args, {
    env: {},
    cwd: () => "/home/maria",
    now: Date.now,
    readInput: () => Promise.resolve(""),
    terminal: null,
    ...cli,
    out: { write: (text) => void (out += text), width, color },
    err: { write: (text) => void (err += text), isTerminal: watched },
  });
  return { code, out, err };
}
