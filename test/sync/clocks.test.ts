import { expect, test } from "vitest";
import { createSqlRemote } from "../../daemon/remote/sql-remote.ts";
import { hlcToMs } from "../../daemon/core/hlc.ts";
import type { PushRequest, Remote } from "../../daemon/remote/remote.ts";
import { type SyncRecord, versionToRecord } from "../../daemon/core/record.ts";
import type { Machine, MachineOptions } from "../support/machine.ts";
import {
  DAY,
  expectAgreement,
  keptValues,
  MINUTE,
  newestStamp,
  rounds,
  type Team,
  team,
} from "./virtual-team.ts";

/** A machine whose clock is off by as much as the test says. */
function skewed(
  { machine, open, now }: Team,
  id: string,
): { made: Machine; skew: (ms: number) => void; again: () => Machine } {
  let off = 0;
  const options: Partial<MachineOptions> = { now: () => now() + off };
  const made = machine(id, options);
  return {
    made,
    skew(ms) {
      off = ms;
    },
    again() {
      made.close();
      return open(made.home, options);
    },
  };
}

/** An entry's own times are what they should be; SQLite's clock in days is some ms off by its rounding. */
function expectTimes(of: Machine, id: string, timestamp: number, created = timestamp): void {
  const entry = of.get(id)!;
  expect(Math.abs(entry.timestamp - timestamp)).toBeLessThan(10);
  expect(Math.abs(entry.created_at - created)).toBeLessThan(10);
}

function stampOf(of: Machine, id: string): number {
  return hlcToMs(of.store.read.records.get("history", id)!.version.hlc);
}

test.each([
  ["ahead", DAY],
  ["behind", -DAY],
])("a day %s at the first contact: the times of what was recorded are set right", async (_, off) => {
  const all = team();
  const { server, machine, now } = all;
  const { made: a, skew } = skewed(all, "a");
  skew(off);
  const { id } = await a.add("recorded");
  await a.recorder.edit(id, { note: "edited too" });
  all.pass(MINUTE);
  await a.sync();
  const b = machine("b");
  await b.sync();
  expectTimes(b, id, now() - MINUTE);
  expect(newestStamp(server)).toBeLessThanOrEqual(now() + 5 * MINUTE);
  expect(stampOf(a, id)).toBeLessThanOrEqual(now() + 5 * MINUTE);
  await expectAgreement(server, a, b);
});

test("a clock that jumps a day ahead while it runs: a later edit by another machine wins", async () => {
  const all = team();
  const { server, machine, now, pass } = all;
  const { made: a, skew } = skewed(all, "a");
  const b = machine("b");
  const { id } = await a.add("make");
  await rounds(a, b);
  skew(DAY);
  await a.recorder.edit(id, { note: "from tomorrow" });
  const recorded = await a.add("recorded tomorrow");
  const before = now();
  await a.sync();
  expect(newestStamp(server)).toBeLessThanOrEqual(now() + 5 * MINUTE);
  pass(10 * MINUTE);
  await b.recorder.edit(id, { note: "later" });
  await rounds(b, a);
  expect(a.get(id)?.note).toBe("later");
  expectTimes(b, recorded.id, before);
  await expectAgreement(server, a, b);
});

test("a clock that jumps a day back while it runs: what is recorded then gets its time before it leaves", async () => {
  const all = team();
  const { server, machine, now, pass } = all;
  const { made: a, skew } = skewed(all, "a");
  await a.sync();
  skew(-DAY);
  pass(MINUTE);
  const { id } = await a.add("recorded yesterday");
  expectTimes(a, id, now() - DAY);
  await a.sync();
  const b = machine("b");
  await b.sync();
  expectTimes(b, id, now());
  await expectAgreement(server, a, b);
});

test("unsent edits on both sides: the one from tomorrow does not win over a later one", async () => {
  const all = team();
  const { server, machine, pass } = all;
  const { made: a, skew } = skewed(all, "a");
  const b = machine("b");
  const { id } = await a.add("make");
  await rounds(a, b);
  skew(DAY);
  await a.recorder.edit(id, { note: "from tomorrow" });
  await a.sync();
  pass(10 * MINUTE);
  await a.recorder.edit(id, { note: "earlier" });
  pass(10 * MINUTE);
  await b.recorder.edit(id, { note: "later" });
  await rounds(a, b);
  expect(a.get(id)?.note).toBe("later");
  expect(keptValues(server)).toEqual(expect.arrayContaining(["earlier", "later"]));
  await expectAgreement(server, a, b);
});

test("a clock put right by hand while the daemon was down: what is recorded next has the right time", async () => {
  const all = team();
  const { server, machine, now, pass } = all;
  const { made: a, skew, again } = skewed(all, "a");
  skew(DAY);
  await a.add("while it was wrong");
  await a.sync();
  skew(0);
  const restarted = again();
  pass(MINUTE);
  // Until the next contact it still takes its clock for a day ahead.
  const { id } = await restarted.add("after it was put right");
  expectTimes(restarted, id, now() - DAY);
  await restarted.sync();
  const b = machine("b");
  await b.sync();
  expectTimes(b, id, now());
  expect(newestStamp(server)).toBeLessThanOrEqual(now() + 5 * MINUTE);
  await expectAgreement(server, restarted, b);
});

test("a clock that went a day ahead while the daemon was down", async () => {
  const all = team();
  const { server, machine, now, pass } = all;
  const { made: a, skew, again } = skewed(all, "a");
  const old = await a.add("before");
  await a.sync();
  skew(DAY);
  const restarted = again();
  pass(MINUTE);
  const { id } = await restarted.add("after");
  await restarted.recorder.edit(old.id, { note: "after" });
  await restarted.sync();
  const b = machine("b");
  await b.sync();
  expectTimes(b, id, now());
  expectTimes(b, old.id, now() - MINUTE);
  expect(newestStamp(server)).toBeLessThanOrEqual(now() + 5 * MINUTE);
  await expectAgreement(server, restarted, b);
});

test("imported entries keep their times, whatever the clock says", async () => {
  const all = team();
  const { server, machine, now } = all;
  const { made: a, skew } = skewed(all, "a");
  skew(DAY);
  const timestamp = Date.UTC(2001, 0, 1);
  const { id } = await a.add("imported", { timestamp });
  await a.sync();
  const b = machine("b");
  await b.sync();
  expectTimes(b, id, timestamp, now());
  await expectAgreement(server, a, b);
});

test("one machine a day ahead and one a day behind: the later edit wins, as by the remote's time", async () => {
  const all = team();
  const { server, machine, pass, now } = all;
  const [ahead, behind] = [skewed(all, "a"), skewed(all, "b")];
  ahead.skew(DAY);
  behind.skew(-DAY);
  const { id } = await ahead.made.add("make");
  await rounds(ahead.made, behind.made);
  await ahead.made.recorder.edit(id, { note: "earlier" });
  pass(6 * MINUTE);
  await behind.made.recorder.edit(id, { note: "later" });
  const c = machine("c");
  await rounds(behind.made, ahead.made, c);
  expect(c.get(id)?.note).toBe("later");
  expect(keptValues(server)).toEqual(["earlier", "later"]);
  expect(newestStamp(server)).toBeLessThanOrEqual(now() + 5 * MINUTE);
  await expectAgreement(server, ahead.made, behind.made, c);
});

/** A push as a program would make it that heeds nothing. */
function pushOf(epoch: string, records: SyncRecord[]): PushRequest {
  const node = { machineId: "x", incarnation: "x", hostname: "", version: "x", queueDepth: 0, now: 0 };
  return { epoch, records, acknowledgedSeq: 0, pushIds: [], node: { ...node, pushSeq: 1, pushId: "p1" } };
}

test("the remote refuses a stamp over five minutes ahead, whoever sends it", async () => {
  const { server, machine, now } = team();
  const a = machine("a");
  const { id } = await a.add("make");
  await a.sync();
  const { version } = a.store.read.records.get("history", id)!;
  const remote: Remote = createSqlRemote(server.connect(), []);
  const { signal } = new AbortController();
  const send = (aheadMs: number): Promise<unknown> => {
    const hlc = `${(now() + aheadMs).toString(16).padStart(12, "0")}-0000-abcdefabcdef`;
    const fresh = { ...version, id: `00000000-0000-7000-8000-${String(aheadMs).padStart(12, "0")}`, hlc };
    const selection = { machineId: "x", user: null, scopes: null, kinds: null, since: null };
    const pull = { cursor: 0, selection, page: { records: 10, bytes: 1000 }, mark: null };
    const epoch = a.store.read.meta.get("epoch")!;
    return remote.exchange(pull, pushOf(epoch, [versionToRecord(fresh, 1, null)]), signal);
  };
  await expect(send(5 * MINUTE + 1000)).rejects.toMatchObject({ kind: "guard", code: "HD_CLOCK" });
  expect(server.db.prepare("SELECT count(*) FROM records").pluck().get()).toBe(1);
  expect(server.db.prepare("SELECT count(*) FROM nodes WHERE machine_id = 'x'").pluck().get()).toBe(0);
  await send(4 * MINUTE);
  expect(server.db.prepare("SELECT count(*) FROM records").pluck().get()).toBe(2);
});
