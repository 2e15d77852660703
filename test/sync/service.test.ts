import { expect, test } from "vitest";
import type { CycleReport } from "../../daemon/sync/engine.ts";
import { fail, REPORT, rig } from "./service-rig.ts";

test("it starts within two seconds, and then cycles at every interval", async () => {
  const { time, cycles } = rig();
  await time.advance(2000);
  expect(cycles).toHaveLength(1);
  await time.advance(90_000);
  expect(cycles.map((at) => at - cycles[0]!)).toEqual([0, 30_000, 60_000, 90_000]);
});

test("every time it tells is a whole number of milliseconds, as the API promises", async () => {
  const { time, service, outcomes } = rig({ random: 0.123_456_789 });
  outcomes.push(fail("unreachable"));
  for (let i = 0; i < 10; i++) {
    await time.advance(777);
    const { next_attempt, last_attempt, last_error } = service.status();
    for (const at of [next_attempt, last_attempt, last_error?.at]) expect((at ?? 0) % 1).toBe(0);
  }
});

test("the interval is jittered by a tenth either way", async () => {
  for (const [random, expected] of [
    [0, 27_000],
    [0.999_999, 33_000],
  ] as const) {
    const { time, cycles } = rig({ random });
    await time.advance(70_000);
    expect(cycles[1]! - cycles[0]!).toBe(expected);
  }
});

test("a write is sent soon, and several writes together", async () => {
  const { time, service, cycles } = rig();
  await time.advance(2000);
  service.notice();
  await time.advance(100);
  service.notice();
  await time.advance(100);
  expect(cycles).toHaveLength(1);
  await time.advance(200);
  expect(cycles).toHaveLength(2);
  await time.advance(20_000);
  expect(cycles).toHaveLength(2);
});

test("a write during a cycle is followed by a cycle of its own", async () => {
  const { time, service, cycles, outcomes } = rig();
  await time.advance(2000);
  let end: (report: CycleReport) => void = () => undefined;
  outcomes.push(() => new Promise((resolve) => (end = resolve)));
  service.notice();
  await time.advance(500);
  service.notice();
  end(REPORT);
  await time.advance(500);
  expect(cycles).toHaveLength(3);
});

test("asked for, it runs at once, and answers with a cycle that began after the question", async () => {
  const { time, service, cycles, outcomes } = rig();
  await time.advance(2000);
  let endRunning: (report: CycleReport) => void = () => undefined;
  outcomes.push(
    () => new Promise((resolve) => (endRunning = resolve)),
    () => Promise.resolve({ ...REPORT, uploaded: 77 }),
  );
  service.notice();
  await time.advance(300);
  const asked = service.syncNow();
  await time.settle();
  expect(cycles).toHaveLength(2);
  endRunning(REPORT);
  await expect(asked).resolves.toMatchObject({ uploaded: 77 });
  expect(cycles).toHaveLength(3);
});

test("asked for while a retry waits, it tries at once and tells why it failed", async () => {
  const { time, service, cycles, outcomes } = rig();
  outcomes.push(fail("unreachable"), fail("unreachable", "HD_STILL_DOWN"));
  await time.advance(1000);
  expect(cycles).toHaveLength(1);
  await expect(service.syncNow()).rejects.toMatchObject({ name: "SyncFailedError", code: "HD_STILL_DOWN" });
});

test.each([
  ["unreachable", "offline"],
  ["busy", "waiting"],
  ["unauthorized", "error"],
  ["guard", "error"],
  ["rejected", "error"],
] as const)("a remote that is %s puts it in state %s, and it recovers by itself", async (kind, state) => {
  const { time, service, outcomes } = rig();
  outcomes.push(fail(kind, "HD_X"));
  await time.advance(1100);
  expect(service.status()).toMatchObject({
    state,
    consecutive_failures: 1,
    last_error: { code: "HD_X", message: `it is ${kind}` },
  });
  await time.advance(600_000);
  expect(service.status()).toMatchObject({ state: "synced", consecutive_failures: 0, last_error: null });
});

test("an error nobody expected is a state too, and does not end the loop", async () => {
  const { time, service, outcomes, lines } = rig();
  outcomes.push(() => Promise.reject(new TypeError("undefined is not a function")));
  await time.advance(1100);
  expect(service.status()).toMatchObject({ state: "error", last_error: { code: "HD_INTERNAL" } });
  expect(lines.filter(({ level }) => level === "error")).toHaveLength(1);
  await time.advance(60_000);
  expect(service.status().state).toBe("synced");
});

test("retries back off, never give up, and stay within the cap however long the fault lasts", async () => {
  const { time, cycles, outcomes } = rig({ random: 0.999_999 });
  for (let i = 0; i < 200; i++) outcomes.push(fail("unreachable"));
  await time.advance(3_600_000);
  const waits = cycles.slice(1).map((at, index) => at - cycles[index]!);
  expect(waits.slice(0, 4).map((ms) => Math.round(ms / 1000))).toEqual([1, 2, 4, 15]);
  expect(Math.max(...waits)).toBeLessThanOrEqual(60_000);
  expect(waits.length).toBeGreaterThan(55);
});

test("writes do not shorten a backoff, a change of the network does", async () => {
  const { time, service, cycles, outcomes } = rig();
  for (let i = 0; i < 20; i++) outcomes.push(fail("unreachable"));
  await time.advance(60_000);
  const before = cycles.length;
  service.notice();
  await time.advance(400);
  expect(cycles).toHaveLength(before);
  service.networkChanged();
  await time.advance(1);
  expect(cycles).toHaveLength(before + 1);
});

test("a remote that says when to come again is asked again then, and not before", async () => {
  const { time, cycles, outcomes } = rig({ random: 0.5 });
  outcomes.push(fail("busy", "HD_REMOTE_BUSY", { retryAfterMs: 20_000 }));
  await time.advance(1000);
  expect(cycles).toHaveLength(1);
  await time.advance(60_000);
  expect(cycles[1]! - cycles[0]!).toBe(25_000);
});

test("a change of state is one line; a fault that lasts is not a line each time", async () => {
  const { time, lines, outcomes } = rig();
  await time.advance(100_000);
  for (let i = 0; i < 5; i++) outcomes.push(fail("unreachable"));
  await time.advance(400_000);
  const told = lines.filter(({ level }) => level !== "debug");
  expect(told.map(({ level }) => level)).toEqual(["info", "warn", "info"]);
});

test("switched to manual, it runs only when it is asked", async () => {
  const { time, service, cycles, outcomes } = rig({ automatic: false });
  await time.advance(600_000);
  service.notice();
  await time.advance(600_000);
  expect(cycles).toEqual([]);
  outcomes.push(fail("unreachable"));
  await expect(service.syncNow()).rejects.toThrow();
  await time.advance(600_000);
  expect(cycles).toHaveLength(1);
  await expect(service.syncNow()).resolves.toMatchObject({ uploaded: 1 });
});

test("stopping ends a cycle that is under way, and tells those who wait for one", async () => {
  const { time, service, outcomes } = rig();
  outcomes.push(() => new Promise((_resolve, reject) => setImmediate(() => reject(new Error("cut off")))));
  await time.advance(1000);
  const asked = service.syncNow();
  const told = expect(asked).rejects.toMatchObject({ name: "SyncFailedError" });
  await service.stop();
  await told;
  await expect(service.syncNow()).rejects.toMatchObject({ code: "HD_STOPPING" });
});
