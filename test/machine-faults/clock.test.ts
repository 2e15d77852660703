import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it, onTestFinished } from "vitest";
import { checkCache } from "../support/cache-check.ts";
import { createClockFile } from "../support/clock-file.ts";
import type { TestDaemon } from "../support/daemon.ts";
import { startSqld } from "../support/sqld.ts";
import { newHome, start } from "./history.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

async function edit(on: TestDaemon, id: string, note: string): Promise<void> {
  expect(await on.request("PATCH", `/v1/history/${id}`, { note })).toMatchObject({
    status: 200,
    body: { note },
  });
}

async function record(on: TestDaemon, command: string): Promise<string> {
  const { status, body } = await on.request("POST", "/v1/history", { command });
  expect(status).toBe(201);
  return body.id as string;
}

describe("a clock that is set a day forth and back while the daemon runs", () => {
  it("keeps every entry and the order of versions, over a restart as well", async () => {
    const home = newHome();
    const clock = createClockFile(home);
    let daemon = await start(home, clock.env);
    const versions: string[] = [];
    const noteVersion = (): void => {
      const cache = new Database(join(home, "cache.db"), { readonly: true });
      versions.push(cache.prepare<[], string>("SELECT max(hlc) FROM history").pluck().get()!);
      cache.close();
    };
    const id = await record(daemon, "edited");
    for (const [index, aheadMs] of [0, DAY_MS, -DAY_MS, 0].entries()) {
      clock.set(aheadMs);
      await edit(daemon, id, `note ${index}`);
      noteVersion();
      await record(daemon, `entry ${index}`);
      noteVersion();
    }
    await daemon.stop();
    clock.set(-DAY_MS);
    daemon = await start(home, clock.env);
    await edit(daemon, id, "after the restart");
    noteVersion();
    expect(versions).toEqual([...new Set(versions)].toSorted());
    expect((await daemon.request("GET", `/v1/history/${id}`)).body.note).toBe("after the restart");
    const found = await daemon.request("GET", "/v1/search?q=restart");
    expect(found.body.results).toHaveLength(1);
    expect(checkCache(home).commands).toEqual(["edited", "entry 0", "entry 1", "entry 2", "entry 3"]);
  });

  it.each([DAY_MS, -DAY_MS])(
    "%d ms, and a remote: the edit that is later wins on both machines",
    async (aheadMs) => {
      const sqld = await startSqld();
      onTestFinished(sqld.close);
      const remote = { TURSO_DATABASE_URL: sqld.url, HISTORYD_SYNC_OFFLINE_MODE: "always" };
      const home = newHome();
      const clock = createClockFile(home);
      const wrong = await start(home, { ...remote, ...clock.env });
      const right = await start(newHome(), remote);
      const sync = async (...daemons: TestDaemon[]): Promise<void> => {
        for (const one of daemons)
          expect(await one.request("POST", "/v1/sync")).toMatchObject({ status: 200 });
      };
      const notes = (id: string) =>
        Promise.all(
          [wrong, right].map(
            async (one) => (await one.request("GET", `/v1/history/${id}`)).body.note as string,
          ),
        );
      const [seen, unseen] = [await record(wrong, "seen"), await record(wrong, "unseen")];
      await sync(wrong, right);

      // Compared with the remote's, the clock counts as it should.
      clock.set(aheadMs);
      await sync(wrong);
      await edit(wrong, unseen, "earlier");
      await edit(right, unseen, "later");
      await sync(wrong, right, wrong);
      expect(await notes(unseen)).toEqual(["later", "later"]);
      const created = await record(wrong, "by the corrected clock");
      const { timestamp } = (await wrong.request("GET", `/v1/history/${created}`)).body as {
        timestamp: number;
      };
      expect(Math.abs(timestamp - Date.now())).toBeLessThan(60_000);

      // Set back, and edited before it was compared again; and then by somebody who has seen that.
      clock.set(0);
      await edit(wrong, seen, "first");
      await sync(wrong, right);
      await edit(right, seen, "second");
      await sync(right, wrong);
      expect(await notes(seen)).toEqual(["second", "second"]);
      for (const one of [wrong, right]) expect(checkCache(one.home).outbox).toEqual([]);
      expect(checkCache(right.home).commands.toSorted()).toEqual(checkCache(wrong.home).commands.toSorted());
    },
  );
});
