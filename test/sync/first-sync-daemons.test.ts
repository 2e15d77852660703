import { expect, onTestFinished, test } from "vitest";
import { createClient, type StreamEvent } from "../../client-lib/index.ts";
import { historyctl } from "../client-lib/cli/historyctl.ts";
import { startSqld } from "../support/sqld.ts";
import { commands, found, member, record, recordMany, sync, syncStatus } from "./team.ts";

/** More than the 16 pages of 500 that come in one cycle. */
const COUNT = 9000;

test("a new machine finds today's entries before the oldest arrive, and shows how far it is", async () => {
  const sqld = await startSqld();
  onTestFinished(sqld.close);
  const large = { HISTORYD_SYNC_BATCH_SIZE: "1000" };
  const [a, b] = await Promise.all([member(sqld.url, { env: large }), member(sqld.url)]);
  await record(a, "zulu the oldest");
  for (let i = 0; i < COUNT / 1000; i++) await recordMany(a, `between ${i}`, 1000);
  await record(a, "alfa the newest");
  await sync(a);

  const client = createClient({ env: b.env });
  onTestFinished(client.close);
  const told: StreamEvent[] = [];
  const follow = (async () => {
    for await (const event of client.events({ types: ["sync"] })) {
      told.push(event);
      if (event.type === "sync" && event.data.state === "synced") return;
    }
  })();
  // One slice.
  const { first_sync: after } = await sync(b);
  expect(after.progress).toBeGreaterThan(0.5);
  expect(after.progress).toBeLessThan(1);
  expect((await syncStatus(b)).first_sync).toEqual(after);
  expect(await found(b, "alfa")).toBe(1);
  expect(await found(b, "zulu")).toBe(0);
  expect(await record(b, "works meanwhile")).toEqual(expect.any(String));
  const status = await historyctl(["sync", "--status"], { env: b.env });
  expect(status.out).toMatch(/filling +\d+ %, newest first/);

  expect(await historyctl(["sync", "--wait"], { env: b.env })).toMatchObject({ code: 0 });
  expect(await syncStatus(b)).toMatchObject({ state: "synced", first_sync: null, pending: 0 });
  expect(await found(b, "zulu")).toBe(1);
  expect(await commands(b)).toHaveLength(COUNT + 3);
  await follow;
  const progress = told.flatMap(({ type, data }) =>
    type === "sync" && data.first_sync !== null ? [data.first_sync.progress] : [],
  );
  expect(progress.length).toBeGreaterThan(0);
  expect(progress).toEqual(progress.toSorted((one, other) => one - other));
});
