import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { checkCache } from "../support/cache-check.ts";
import type { TestDaemon } from "../support/daemon.ts";
import { isRoot, mountSmallDisk, type SmallDisk } from "../support/small-disk.ts";
import { expectAllKept, expectRefused, makeHistory, stackTraceIn, start } from "./history.ts";

const DISK_BYTES = 8 * 1024 * 1024;

function mounted(): SmallDisk {
  const disk = mountSmallDisk(DISK_BYTES);
  onTestFinished(disk.remove);
  return disk;
}

/** Writes until no more is taken. @returns what was acknowledged */
async function writeUntilFull(daemon: TestDaemon): Promise<Map<string, string>> {
  const acknowledged = new Map<string, string>();
  let refusals = 0;
  for (let index = 0; refusals < 3; index++) {
    expect(index).toBeLessThan(200);
    const command = `kept ${index} ${"x".repeat(100_000)}`;
    const { status, body } = await daemon.request("POST", "/v1/history", { command });
    if (status === 201) acknowledged.set(body.id as string, command);
    else {
      expect({ status, body }).toMatchObject({
        status: 503,
        body: {
          code: "HD_STORAGE",
          message: expect.stringMatching(/cache\.db could not be written: .*full; nothing/),
        },
      });
      refusals += 1;
    }
  }
  return acknowledged;
}

describe.skipIf(!isRoot)("on a disk of its own (skipped: needs root)", () => {
  it("a full disk: writes are refused, reads go on, and so does everything when there is room", async () => {
    const disk = mounted();
    const ballast = join(disk.path, "ballast");
    writeFileSync(ballast, Buffer.alloc(DISK_BYTES / 2));
    const daemon = await start(join(disk.path, "home"));
    const acknowledged = await writeUntilFull(daemon);
    expect(acknowledged.size).toBeGreaterThan(3);
    const { body } = await daemon.request("GET", "/v1/history?limit=1000");
    expect(body.entries).toHaveLength(acknowledged.size);
    const found = await daemon.request("GET", "/v1/search?q=kept&limit=200");
    expect(found.body.results).toHaveLength(acknowledged.size);
    expect(await daemon.request("GET", "/v1/status")).toMatchObject({ status: 200 });

    rmSync(ballast);
    expect(await daemon.request("POST", "/v1/history", { command: "room again" })).toMatchObject({
      status: 201,
    });
    expect(stackTraceIn(daemon.process)).toBeUndefined();
    expect(await daemon.stop()).toEqual({ code: 0, signal: null });
    expect(checkCache(daemon.home).commands).toEqual([...acknowledged.values(), "room again"]);
  });

  it("killed on a full disk: what was acknowledged waits there for room", async () => {
    const disk = mounted();
    const ballast = join(disk.path, "ballast");
    writeFileSync(ballast, Buffer.alloc(DISK_BYTES / 2));
    const home = join(disk.path, "home");
    const daemon = await start(home);
    const acknowledged = await writeUntilFull(daemon);
    await daemon.kill();
    fillUp(disk);
    await expectRefused(home, /historyd\.lock cannot be locked \(.*full\): expected .*room on its disk/, [
      join(home, "cache.db"),
      join(home, "cache.db-wal"),
    ]);
    rmSync(ballast);
    await expectAllKept(home, { acknowledged });
  });

  it("full from the beginning: refused, and nothing half is left in the way", async () => {
    const disk = mounted();
    fillUp(disk);
    const home = join(disk.path, "home");
    await expectRefused(home, /historyd\.lock cannot be locked \(.*full\)/);
    expect(existsSync(join(home, "cache.db"))).toBe(false);
    rmSync(join(disk.path, "filler"));
    await expectAllKept(home, { acknowledged: new Map() });
  });

  it("a folder that cannot be written to: refused, and everything is there when it can", async () => {
    const disk = mounted();
    const history = await makeHistory({ end: "kill", home: join(disk.path, "home"), count: 20 });
    disk.setReadOnly(true);
    await expectRefused(
      history.home,
      /historyd\.lock cannot be locked \(EROFS.*\): expected a folder that can be written/,
      [history.cache, history.log],
    );
    disk.setReadOnly(false);
    await expectAllKept(history.home, history);
  });
});

/** Takes every byte that is left. */
function fillUp({ path }: SmallDisk): void {
  for (let bytes = DISK_BYTES; bytes >= 1; bytes >>= 1) {
    try {
      writeFileSync(join(path, "filler"), Buffer.alloc(bytes), { flag: "a" });
    } catch {
      // ENOSPC: what fitted is written; a smaller piece may fit yet.
    }
  }
}
