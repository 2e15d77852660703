import { expect, test } from "vitest";
import type { Reconciliation } from "../../client-lib/protocol/reconcile.ts";
import { EQUAL, fail, REPORT, rig, type Rig, told } from "./service-rig.ts";

const DAY_MS = 86_400_000;
const DIFFERS: Reconciliation = { ...EQUAL, outcome: "differs", missing_here: 3, differing: 1 };
/** Between cycles, where a test lasts days. */
const SLOW_MS = 600_000;
const LOOK = { content: true, repair: false };

/** One comparison with that result. */
async function compared({ service, comparisons }: Rig, result: Reconciliation): Promise<void> {
  comparisons.push(() => Promise.resolve(result));
  await service.reconcile(LOOK);
}

test("asked for, it runs after a cycle that began after the question, and answers with the result", async () => {
  const { time, service, cycles, reconciled, outcomes } = rig();
  let endRunning: () => void = () => undefined;
  outcomes.push(() => new Promise((resolve) => (endRunning = () => resolve(REPORT))));
  await time.advance(1000);
  const asked = service.reconcile(LOOK);
  await time.settle();
  expect(reconciled).toEqual([]);
  endRunning();
  await expect(asked).resolves.toMatchObject({ outcome: "equal", content: true, repair: false });
  expect(cycles).toHaveLength(2);
  expect(reconciled).toMatchObject([{ reason: "asked", content: true, repair: false }]);
  expect(service.reconciliations(1)).toMatchObject([{ reason: "asked" }]);
  expect(service.status().last_reconcile).toMatchObject({ reason: "asked" });
});

test("never beside a cycle, nor beside another one", async () => {
  const { time, service, cycles, comparisons, reconciled } = rig();
  await time.advance(1000);
  const ends: (() => void)[] = [];
  for (let i = 0; i < 2; i++)
    comparisons.push(() => new Promise((resolve) => ends.push(() => resolve(EQUAL))));
  const answers = [service.reconcile(LOOK), service.reconcile({ content: false, repair: true })];
  await time.settle();
  const before = cycles.length;
  void service.syncNow();
  service.notice();
  await time.advance(120_000);
  expect({ cycles: cycles.length, running: reconciled.length }).toEqual({ cycles: before, running: 1 });
  ends.shift()!();
  await time.settle();
  expect({ cycles: cycles.length, running: reconciled.length }).toEqual({ cycles: before, running: 2 });
  ends.shift()!();
  await Promise.all(answers);
  await time.settle();
  expect(cycles).toHaveLength(before + 1);
});

test("where the cycle before it fails, that is the answer; asked while a retry waits, it is tried at once", async () => {
  const { time, service, outcomes, reconciled } = rig();
  for (let i = 0; i < 3; i++) outcomes.push(fail("unreachable", "HD_DOWN"));
  await time.advance(1000);
  await expect(service.reconcile(LOOK)).rejects.toMatchObject({ name: "SyncFailedError", code: "HD_DOWN" });
  expect(reconciled).toEqual([]);
});

test("where it fails itself, who asked is told, sync goes on, and the log has one line", async () => {
  const { time, service, comparisons, lines, cycles } = rig();
  comparisons.push(fail("busy", "HD_REMOTE_BUSY"), fail("busy", "HD_REMOTE_BUSY"));
  for (let i = 0; i < 2; i++)
    await expect(service.reconcile(LOOK)).rejects.toMatchObject({ code: "HD_REMOTE_BUSY" });
  expect(service.status()).toMatchObject({ state: "synced", consecutive_failures: 0 });
  expect(told(lines).map(({ level, message }) => `${level} ${message}`)).toEqual([
    "info synced with the remote",
    "warn the comparison with the remote failed: it is busy",
  ]);
  const before = cycles.length;
  await time.advance(60_000);
  expect(cycles.length).toBeGreaterThan(before);
});

test("differences that were not mended are a state, until a comparison finds none", async () => {
  const made = rig({ automatic: false });
  const { service, lines } = made;
  await compared(made, DIFFERS);
  expect(service.status()).toMatchObject({
    state: "diverged",
    reason: expect.stringContaining(
      "3 records missing here, 0 missing on the remote, 1 that differ",
    ) as string,
  });
  await compared(made, DIFFERS);
  await service.syncNow();
  expect(service.status().state).toBe("diverged");
  await compared(made, { ...DIFFERS, outcome: "mended", mended: 4 });
  expect(service.status()).toMatchObject({ state: "synced", reason: null });
  await compared(made, DIFFERS);
  await compared(made, EQUAL);
  await compared(made, EQUAL);
  expect(told(lines).map(({ level }) => level)).toEqual(["info", "error", "warn", "error", "info"]);
});

test("a link that is broken is said before differences that were found earlier", async () => {
  const made = rig({ automatic: false });
  await compared(made, DIFFERS);
  made.outcomes.push(fail("unreachable"));
  await expect(made.service.syncNow()).rejects.toThrow();
  expect(made.service.status().state).toBe("offline");
});

test("once a day it runs by itself, with the day drawn anew each time", async () => {
  for (const [random, period] of [
    [0, 0.9 * DAY_MS],
    [0.999_999, 1.1 * DAY_MS],
  ] as const) {
    const { time, reconciled } = rig({ random, intervalMs: SLOW_MS });
    await time.advance(3 * DAY_MS);
    const gaps = reconciled.slice(1).map(({ at }, index) => at - reconciled[index]!.at);
    expect(reconciled.length).toBeGreaterThanOrEqual(3);
    for (const gap of gaps) {
      expect(gap).toBeGreaterThanOrEqual(period - 1000);
      // It follows a cycle: at most one interval later.
      expect(gap).toBeLessThanOrEqual(period + 1.1 * SLOW_MS);
    }
    expect(reconciled[0]).toMatchObject({ reason: "daily", content: false, repair: true });
  }
});

test("machines that start together after a night do not compare together", async () => {
  const first = async (random: number): Promise<number> => {
    const { time, reconciled } = rig({
      random,
      intervalMs: 60_000,
      kept: [{ ...EQUAL, started_at: -2 * DAY_MS }],
    });
    const began = time.now();
    await time.advance(20 * 60_000);
    return reconciled[0]!.at - began;
  };
  const [early, late] = [await first(0), await first(0.99)];
  expect(early).toBeGreaterThanOrEqual(0);
  expect(late - early).toBeGreaterThan(5 * 60_000);
});

test("a restart does not make it run again before its day", async () => {
  const { time, reconciled, kept } = rig({ intervalMs: SLOW_MS });
  kept.push({ ...EQUAL, started_at: time.now() - 3_600_000 });
  await time.advance(20 * 3_600_000);
  expect(reconciled).toEqual([]);
  await time.advance(6 * 3_600_000);
  expect(reconciled).toHaveLength(1);
});

test("one that failed is tried again after about an hour, and cycles keep their pace", async () => {
  const { time, reconciled, comparisons, cycles } = rig();
  for (let i = 0; i < 3; i++) comparisons.push(fail("busy"));
  await time.advance(6 * 3_600_000);
  const gaps = reconciled.slice(1).map(({ at }, index) => at - reconciled[index]!.at);
  expect(reconciled).toHaveLength(4);
  for (const gap of gaps) expect(Math.abs(gap - 3_600_000)).toBeLessThan(7 * 60_000);
  expect(cycles.length).toBeGreaterThan(600);
});

test("a first sync is completed before anything is compared by itself; what is asked for runs all the same", async () => {
  const { time, service, reconciled, outcomes } = rig({ random: 0 });
  const part = (below: number) => () => Promise.resolve({ ...REPORT, firstSync: { from: 9, below } });
  outcomes.push(part(5), () => new Promise((resolve) => setImmediate(() => resolve(REPORT))));
  await time.advance(0);
  expect(reconciled).toMatchObject([{ reason: "daily" }]);
  outcomes.push(part(5));
  await service.reconcile(LOOK);
  expect(reconciled.at(-1)).toMatchObject({ reason: "asked" });
});

test("switched to manual, nothing is compared unless it is asked for", async () => {
  const { time, service, reconciled } = rig({ automatic: false });
  await service.syncNow();
  await time.advance(3 * DAY_MS);
  await service.syncNow();
  expect(reconciled).toEqual([]);
});

test("stopping tells those who wait for one", async () => {
  const { time, service, comparisons } = rig();
  await time.advance(1000);
  let cutOff: () => void = () => undefined;
  comparisons.push(() => new Promise((_resolve, reject) => (cutOff = () => reject(new Error("cut off")))));
  const failures = [service.reconcile(LOOK), service.reconcile(LOOK)].map((one) =>
    expect(one).rejects.toMatchObject({ name: "SyncFailedError" }),
  );
  await time.settle();
  const stopped = service.stop();
  cutOff();
  await stopped;
  await Promise.all(failures);
  await expect(service.reconcile(LOOK)).rejects.toMatchObject({ code: "HD_STOPPING" });
});
