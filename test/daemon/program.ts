import { onTestFinished } from "vitest";
import { bareEnv, daemonProgram } from "../support/daemon.ts";
import { type Running, startProcess } from "../support/processes.ts";

/** Starts the program without waiting for it to be ready, for starts that are to fail. */
export async function startProgram(
  home: string,
  args: string[] = [],
  env: Record<string, string> = {},
): Promise<Running> {
  const running = await startProcess(process.execPath, [daemonProgram, ...args], { env: bareEnv(home, env) });
  onTestFinished(async () => void (await running.stop("SIGKILL")));
  return running;
}

/** Runs the program until it ends by itself. */
export async function runProgram(...given: Parameters<typeof startProgram>) {
  const running = await startProgram(...given);
  const { code } = await running.exited;
  return { code, stdout: running.stdout, stderr: running.stderr };
}
