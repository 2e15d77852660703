import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { bareEnv, daemonProgram, requestOn } from "../support/daemon.ts";
import { startProcess } from "../support/processes.ts";
import { tempDir } from "../support/temp.ts";

it.each(["json", "pretty", "journal"])("a log that takes no more ends nothing: %s", async (format) => {
  const temp = tempDir("hd");
  onTestFinished(temp.remove);
  const running = await startProcess(
    "sh",
    ["-c", 'exec "$@" 2>/dev/full', "sh", process.execPath, daemonProgram],
    {
      env: bareEnv(temp.path, { HISTORYD_LOG_FORMAT: format, HISTORYD_LOG_LEVEL: "debug" }),
    },
  );
  onTestFinished(async () => void (await running.stop("SIGKILL")));
  const ask = (path: string) => requestOn(join(temp.path, "run/historyd.sock"), "GET", path);
  await running.waitFor(() => ask("/v1/health").catch(() => null), { what: "an answer" });
  for (let count = 0; count < 20; count++) expect((await ask("/nowhere")).status).toBe(404);
  expect((await ask("/v1/health")).status).toBe(200);
  expect(await running.stop()).toEqual({ code: 0, signal: null });
});
