import { existsSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { startDaemon } from "./daemon.ts";
import { tempDir } from "./temp.ts";

test("a daemon on a folder of its own, which close removes", async () => {
  const daemon = await startDaemon();
  onTestFinished(daemon.close);
  const created = await daemon.request("POST", "/v1/history", { command: "ls" });
  expect(created).toMatchObject({ status: 201, body: { command: "ls" } });
  expect(await daemon.request("GET", "/nowhere")).toMatchObject({ status: 404 });
  await daemon.close();
  expect(existsSync(daemon.home)).toBe(false);
});

test("the data stays for a next daemon, after a stop and after a crash", async () => {
  const { path: home, remove } = tempDir("hd");
  onTestFinished(remove);
  const first = await startDaemon({ home });
  await first.request("POST", "/v1/history", { command: "one" });
  expect(await first.stop()).toEqual({ code: 0, signal: null });
  const second = await startDaemon({ home });
  await second.request("POST", "/v1/history", { command: "two" });
  expect(await second.kill()).toEqual({ code: null, signal: "SIGKILL" });
  const third = await startDaemon({ home });
  onTestFinished(third.close);
  const { body } = await third.request("GET", "/v1/history");
  expect(body.entries.map((entry: { command: string }) => entry.command)).toEqual(["two", "one"]);
});

test("a daemon that ends at once says why", async () => {
  await expect(startDaemon({ env: { HISTORYD_LOG_LEVEL: "loud" } })).rejects.toThrow(/HISTORYD_LOG_LEVEL/);
});
