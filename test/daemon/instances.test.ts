import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { startDaemon, type TestDaemon } from "../support/daemon.ts";
import { tempDir } from "../support/temp.ts";
import { runProgram, startProgram } from "./program.ts";

let first: TestDaemon;
let elsewhere: string;
beforeEach(async () => {
  first = await startDaemon();
  onTestFinished(first.close);
  const temp = tempDir("hd");
  onTestFinished(temp.remove);
  elsewhere = temp.path;
});

const expectFirstAlive = async () =>
  expect((await first.request("GET", "/v1/health")).body).toMatchObject({ pid: first.process.pid });

describe("a second daemon", () => {
  it("on the same home is told who runs there, and ends with 3", async () => {
    for (const args of [[], ["--socket", join(elsewhere, "s.sock")]]) {
      const { code, stderr } = await runProgram(first.home, args);
      expect(stderr).toEqual([
        expect.stringMatching(
          `^historyd: another historyd \\(pid ${first.process.pid}\\) is running in this home folder .*set HISTORYD_HOME$`,
        ),
      ]);
      expect(code).toBe(3);
      await expectFirstAlive();
    }
  });

  it("on the same socket with another home is told who answers there, and ends with 3", async () => {
    const { code, stderr } = await runProgram(elsewhere, ["--socket", first.socket]);
    expect(stderr).toEqual([
      expect.stringMatching(
        `^historyd: historyd \\d+\\.\\d+\\.\\d+, pid ${first.process.pid}, is already listening on .*set HISTORYD_SOCKET$`,
      ),
    ]);
    expect(code).toBe(3);
    await expectFirstAlive();
  });

  it("leaves its own home free when it is refused the socket", async () => {
    await runProgram(elsewhere, ["--socket", first.socket]);
    const alone = await startDaemon({ home: elsewhere });
    onTestFinished(alone.close);
    expect((await alone.request("GET", "/v1/health")).body.pid).toBe(alone.process.pid);
    await expectFirstAlive();
  });

  it("with a home and a socket of its own runs beside the first", async () => {
    const second = await startDaemon({ home: elsewhere });
    onTestFinished(second.close);
    await second.request("POST", "/v1/history", { command: "second" });
    expect((await first.request("GET", "/v1/history")).body.entries).toEqual([]);
  });

  it("takes over as soon as the first has ended", async () => {
    await first.stop();
    const second = await startDaemon({ home: first.home });
    onTestFinished(second.close);
    expect((await second.request("GET", "/v1/health")).body.pid).toBe(second.process.pid);
  });
});

it("of many that start at once in one home, one runs and the others end with 3", async () => {
  const starting = await Promise.all(Array.from({ length: 5 }, () => startProgram(elsewhere)));
  const ended = starting.map(({ exited }) => exited);
  const winners = await Promise.all(
    starting.map((running) =>
      running.waitForLine(/historyd is ready/).then(
        () => 1,
        () => 0,
      ),
    ),
  );
  expect(winners.reduce<number>((sum, won) => sum + won, 0)).toBe(1);
  const winner = starting[winners.indexOf(1)]!;
  const losers = await Promise.all(ended.filter((_, index) => winners[index] === 0));
  expect(losers.map(({ code }) => code)).toEqual([3, 3, 3, 3]);
  expect(await winner.stop()).toEqual({ code: 0, signal: null });
});
