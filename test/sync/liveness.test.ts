import { expect, test } from "vitest";
import type { CycleReport } from "../../daemon/sync/engine.ts";
import { fail, REPORT, rig, type Rig, told } from "./service-rig.ts";

const IDLE: CycleReport = { ...REPORT, uploaded: 0, downloaded: 0 };

/** Runs cycles that succeed and send nothing. */
async function idleCycles({ service, outcomes }: Rig, count: number): Promise<void> {
  for (let cycle = 0; cycle < count; cycle++) {
    outcomes.push(() => Promise.resolve(IDLE));
    await service.syncNow();
  }
}

test("a record that stays at the head for three successful cycles is a fault: told once, and mended", async () => {
  const made = rig({ automatic: false });
  const { queue, mended, service, lines, time } = made;
  queue.push("stuck", "behind");
  const began = time.now();
  await idleCycles(made, 2);
  expect(service.status().stalled).toBeNull();
  await idleCycles(made, 1);
  await time.settle();
  expect(mended).toHaveLength(1);
  const reason = "the same record is at the head of the queue after 3 successful cycles; it was queued anew";
  expect(service.status()).toMatchObject({ state: "synced", stalled: { since: began, reason } });
  expect(told(lines).slice(1)).toEqual([{ level: "warn", message: `the queue does not move: ${reason}` }]);

  await idleCycles(made, 2);
  expect(mended).toHaveLength(1);
  await idleCycles(made, 20);
  await time.settle();
  // At 3, 6, 12 and 24 cycles: what cannot be mended costs ever less.
  expect(mended).toHaveLength(4);
  expect(service.status().stalled?.since).toBe(began);

  queue.shift();
  await idleCycles(made, 1);
  await time.settle();
  expect(service.status().stalled).toBeNull();
  expect(told(lines).map(({ level, message }) => `${level} ${message}`)).toEqual([
    "info synced with the remote",
    `warn the queue does not move: ${reason}`,
    "info the queue moves again",
  ]);
});

test("no time makes a fault of it, only cycles do", async () => {
  const made = rig({ automatic: false });
  made.queue.push("waits");
  await idleCycles(made, 2);
  await made.time.advance(7 * 86_400_000);
  expect(made.service.status().stalled).toBeNull();
  expect(made.mended).toEqual([]);
});

test("a queue that moves, if slowly, is none: another head, something sent, or nothing left", async () => {
  const made = rig({ automatic: false });
  const { queue, outcomes, service } = made;
  queue.push("a", "b", "c");
  for (let i = 0; i < 3; i++) {
    await idleCycles(made, 2);
    queue.shift();
  }
  await idleCycles(made, 10);
  queue.push("d");
  for (let i = 0; i < 5; i++) {
    await idleCycles(made, 2);
    outcomes.push(() => Promise.resolve({ ...REPORT, uploaded: 1 }));
    await service.syncNow();
  }
  expect(made.mended).toEqual([]);
});

test("cycles that fail do not count: a broken link is a reason of its own", async () => {
  const made = rig({ automatic: false });
  made.queue.push("waits");
  for (let i = 0; i < 5; i++) {
    await idleCycles(made, 2);
    made.outcomes.push(fail("unreachable"));
    await expect(made.service.syncNow()).rejects.toThrow();
  }
  expect(made.mended).toEqual([]);
});

test("a queue that is known to be stalled stays so while the link is broken", async () => {
  const made = rig({ automatic: false });
  made.queue.push("stuck");
  await idleCycles(made, 3);
  made.outcomes.push(fail("unreachable"));
  await expect(made.service.syncNow()).rejects.toThrow();
  expect(made.service.status()).toMatchObject({
    state: "offline",
    stalled: { reason: expect.any(String) as string },
  });
});

test("mending that fails is told with the rest, and cycles go on", async () => {
  const made = rig({ mendQueue: () => Promise.reject(new Error("the disk is full")) });
  made.queue.push("stuck");
  for (let i = 0; i < 10; i++) made.outcomes.push(() => Promise.resolve(IDLE));
  await made.time.advance(200_000);
  expect(made.service.status()).toMatchObject({
    state: "synced",
    stalled: { reason: expect.stringMatching(/; mending it failed: the disk is full$/) as string },
  });
  expect(told(made.lines).map(({ level }) => level)).toEqual(["info", "warn"]);
  expect(made.cycles.length).toBeGreaterThan(5);
});

test("while a first sync fills the cache, the queue is not looked at", async () => {
  const made = rig();
  made.queue.push("waits");
  for (let below = 90; below > 0; below -= 10) {
    made.outcomes.push(() => Promise.resolve({ ...IDLE, firstSync: { from: 100, below } }));
  }
  await made.time.advance(2000);
  expect(made.cycles).toHaveLength(10);
  expect(made.mended).toEqual([]);
});
