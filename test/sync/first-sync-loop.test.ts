import { expect, test } from "vitest";
import type { CycleReport } from "../../daemon/sync/engine.ts";
import { fail, REPORT, rig, told } from "./service-rig.ts";

const slice =
  (below: number, from = 100) =>
  (): Promise<CycleReport> =>
    Promise.resolve({ ...REPORT, firstSync: { from, below } });

test("slice follows slice without a pause, until nothing is left to fill; then it is synced", async () => {
  const { time, service, cycles, outcomes, lines } = rig();
  let last: (report: CycleReport) => void = () => undefined;
  outcomes.push(slice(80), slice(40), slice(10), () => new Promise((resolve) => (last = resolve)));
  await time.advance(1000);
  expect(new Set(cycles).size).toBe(1);
  expect(cycles).toHaveLength(4);
  expect(service.status()).toMatchObject({
    state: "syncing",
    first_sync: { progress: 0.9, from: 100, below: 10 },
  });
  last({ ...REPORT, firstSync: null });
  await time.settle();
  expect(service.status()).toMatchObject({ state: "synced", reason: null, first_sync: null });
  expect(cycles).toHaveLength(4);
  expect(told(lines).map(({ message }) => message)).toEqual([
    "the first sync goes on, newest entries first",
    "synced with the remote",
  ]);
  await time.advance(30_000);
  expect(cycles).toHaveLength(5);
});

test("a question is answered after one slice", async () => {
  const { service, outcomes, cycles } = rig({ automatic: false });
  outcomes.push(slice(80), slice(40));
  await expect(service.syncNow()).resolves.toMatchObject({ downloaded: 2 });
  expect(service.status()).toMatchObject({
    state: "waiting",
    reason: "the first sync is not complete yet",
    first_sync: { progress: 0.2 },
  });
  // Switched to manual, the next slice waits for the next question.
  expect(cycles).toHaveLength(1);
  await service.syncNow();
  expect(service.status().first_sync?.progress).toBe(0.6);
});

test("a fault on the way is waited out, and what was filled stays counted", async () => {
  const { time, service, outcomes, lines } = rig();
  outcomes.push(slice(60), fail("unreachable"), slice(30));
  await time.advance(1000);
  expect(service.status()).toMatchObject({ state: "offline", first_sync: { below: 60 } });
  await time.advance(2000);
  expect(service.status()).toMatchObject({ state: "synced", first_sync: null });
  expect(told(lines).map(({ level }) => level)).toEqual(["info", "warn", "info", "info"]);
});

test("a slice that fills nothing is not repeated without a pause", async () => {
  const { time, cycles, outcomes } = rig();
  for (let i = 0; i < 100; i++) outcomes.push(slice(50));
  await time.advance(2000);
  expect(cycles).toHaveLength(2);
  await time.advance(60_000);
  expect(cycles).toHaveLength(4);
});

test("one that is behind catches up first: that is getting somewhere too", async () => {
  const { time, cycles, outcomes, meta } = rig();
  for (let cursor = 1; cursor <= 5; cursor++) {
    outcomes.push(() => {
      meta.set("cursor", String(cursor));
      return slice(50)();
    });
  }
  await time.advance(2000);
  expect(cycles).toHaveLength(6);
});

test("an empty remote, and positions out of order, are no nonsense on the bar", async () => {
  for (const [from, below, progress] of [
    [0, 0, 1],
    [10, 20, 0],
  ] as const) {
    const { service, outcomes } = rig({ automatic: false });
    outcomes.push(slice(below, from));
    await service.syncNow();
    expect(service.status().first_sync?.progress).toBe(progress);
  }
});

test("stopping ends a first sync between two slices", async () => {
  const { time, service, outcomes, cycles } = rig();
  let end: () => void = () => undefined;
  outcomes.push(slice(80), () => new Promise((resolve) => (end = () => resolve(slice(60)()))), slice(40));
  await time.advance(1000);
  const stopped = service.stop();
  end();
  await stopped;
  expect(cycles).toHaveLength(2);
});
