import { expect, test } from "vitest";
import type { Machine } from "../support/machine.ts";
import type { SqliteServer } from "../support/sqlite-executor.ts";
import { commands, DAY, expectAgreement, keptValues, MINUTE, rounds, team } from "./virtual-team.ts";

function meta({ db }: SqliteServer, key: string): number {
  return Number(db.prepare("SELECT value FROM meta WHERE key = ?").pluck().get(key) ?? 0);
}

function isThere({ db }: SqliteServer, id: string): boolean {
  return db.prepare("SELECT 1 FROM records WHERE id = ?").get(id) !== undefined;
}

function isHere(machine: Machine, id: string): boolean {
  return machine.store.read.records.find(id) !== null;
}

/** A deleted entry that both machines know of, and another one. */
async function deleted(): Promise<ReturnType<typeof team> & { a: Machine; b: Machine; id: string }> {
  const all = team();
  const [a, b] = [all.machine("a"), all.machine("b")];
  const { id } = await a.add("deleted", { note: "content" });
  await a.add("stays");
  await a.recorder.remove(id);
  await rounds(a, b);
  return { ...all, a, b, id };
}

test("the content goes after 30 days, everywhere, and not before", async () => {
  const { server, a, b, id, pass } = await deleted();
  pass(29 * DAY);
  await rounds(a, b);
  expect(b.get(id)).toMatchObject({ command: "deleted", note: "content" });
  pass(DAY + 1);
  await rounds(a, b);
  for (const each of [a, b]) expect(each.get(id)).toMatchObject({ command: "", note: null });
  expect(meta(server, "gc_floor")).toBe(0);
  await expectAgreement(server, a, b);
});

test("the rest goes after 90 days, and the floor rises with it", async () => {
  const { server, a, b, id, pass, now } = await deleted();
  const deletedAt = now();
  pass(89 * DAY);
  await rounds(a, b);
  expect(isThere(server, id)).toBe(true);
  const rev = server.db.prepare("SELECT rev FROM records WHERE id = ?").pluck().get(id);
  pass(DAY + 1);
  await rounds(a, b);
  expect(isThere(server, id)).toBe(false);
  expect(meta(server, "gc_floor")).toBe(rev);
  expect(meta(server, "collected_before")).toBeGreaterThan(deletedAt);
  expect(meta(server, "collecting")).toBe(0);
  for (const each of [a, b]) expect(isHere(each, id)).toBe(false);
  expect(commands(b)).toEqual(["stays"]);
  expect(b.store.read.reconciliations.list(10).map(({ reason }) => reason)).not.toContain("away_too_long");
  await expectAgreement(server, a, b);
});

test("a machine that was away for 100 days brings nothing back: its clean copy goes", async () => {
  const { server, machine, pass } = team();
  const [a, b] = [machine("a"), machine("b")];
  const { id } = await a.add("deleted meanwhile");
  await rounds(a, b);
  await a.recorder.remove(id);
  await a.sync();
  pass(100 * DAY);
  await a.sync();
  await b.add("by the one who was away");
  await b.sync();
  expect(isHere(b, id)).toBe(false);
  expect(b.store.read.reconciliations.list(1)[0]).toMatchObject({ reason: "away_too_long" });
  await rounds(a, b);
  expect(commands(a)).toEqual(["by the one who was away"]);
  await expectAgreement(server, a, b);
});

test("its edits of what was collected become a conflict, and the entry stays gone", async () => {
  const { server, machine, pass } = team();
  const [a, b] = [machine("a"), machine("b")];
  const { id } = await a.add("deleted meanwhile");
  await rounds(a, b);
  await b.recorder.edit(id, { note: "while away" });
  await a.recorder.remove(id);
  await a.sync();
  pass(100 * DAY);
  await a.sync();
  await rounds(b, a);
  expect(isHere(a, id) || isHere(b, id) || isThere(server, id)).toBe(false);
  expect(keptValues(server)).toContain("while away");
  await expectAgreement(server, a, b);
});

test("what it restored in time comes back, with its content", async () => {
  const { server, a, b, id, pass } = await deleted();
  pass(5 * DAY);
  await b.recorder.restore(id);
  pass(95 * DAY);
  await a.sync();
  expect(isThere(server, id)).toBe(false);
  await rounds(b, a);
  for (const each of [a, b]) {
    expect(each.get(id)).toMatchObject({ command: "deleted", note: "content", deleted_at: null });
  }
  await expectAgreement(server, a, b);
});

test("what was restored in time, and comes after the content was taken, has its content again", async () => {
  const { server, a, b, id, pass } = await deleted();
  pass(5 * DAY);
  await b.recorder.restore(id);
  pass(30 * DAY);
  await a.sync();
  expect(server.db.prepare("SELECT body ->> 'command' FROM records WHERE id = ?").pluck().get(id)).toBe("");
  await rounds(b, a);
  expect(a.get(id)).toMatchObject({ command: "deleted", note: "content", deleted_at: null });
  await expectAgreement(server, a, b);
});

test("the conflicts of a deleted entry lose their values with it, and go with it", async () => {
  const { server, machine, pass } = team();
  const [a, b] = [machine("a"), machine("b")];
  const { id } = await a.add("clash");
  await rounds(a, b);
  await a.recorder.edit(id, { note: "of a" });
  pass(1000);
  await b.recorder.edit(id, { note: "of b" });
  await rounds(a, b);
  expect(keptValues(server)).toEqual(["of a", "of b"]);
  await a.recorder.remove(id);
  await rounds(a, b);
  pass(31 * DAY);
  await rounds(a, b);
  expect(keptValues(server)).toEqual([null, null]);
  for (const each of [a, b]) {
    const [conflict] = each.store.read.records.conflictsOf(id);
    expect(conflict?.version.fields).toMatchObject({ local_value: null, remote_value: null });
  }
  for (let month = 0; month < 4; month++) {
    pass(31 * DAY);
    await rounds(a, b);
  }
  expect(server.db.prepare("SELECT count(*) FROM records").pluck().get()).toBe(0);
  expect(a.store.read.records.conflictsOf(id)).toEqual([]);
  await expectAgreement(server, a, b);
});

/** Deletes as many new entries as asked for, a hundred at a moment or all at one. */
async function deleteMany(
  machine: Machine,
  count: number,
  between: () => void = () => undefined,
): Promise<void> {
  const entries = Array.from({ length: count }, (_, n) => ({ command: `number ${n}` }));
  const recorded = await machine.recorder.recordAll(entries);
  for (let start = 0; start < count; start += 100) {
    const some = recorded.slice(start, start + 100);
    await Promise.all(some.map(({ stored }) => machine.recorder.remove(stored.version.id)));
    between();
  }
}

function countThere({ db }: SqliteServer): number {
  return db.prepare("SELECT count(*) FROM records").pluck().get() as number;
}

test("more than a lot: what is due goes lot by lot, and nothing of it is left anywhere", async () => {
  const { server, machine, pass } = team();
  const [a, b] = [machine("a"), machine("b")];
  await a.add("stays");
  await deleteMany(a, 1200, () => {
    pass(1000);
  });
  await a.sync();
  await b.sync();
  pass(91 * DAY);
  await a.sync();
  expect(countThere(server)).toBe(701);
  pass(9 * MINUTE);
  await b.sync();
  expect(countThere(server)).toBe(701);
  for (const left of [201, 1, 1]) {
    pass(DAY);
    await a.sync();
    await b.sync();
    expect(countThere(server)).toBe(left);
  }
  await rounds(a, b);
  expect(commands(b)).toEqual(["stays"]);
  expect(b.store.read.records.get("history", b.entries()[0]!.id)?.rev).not.toBeNull();
  await expectAgreement(server, a, b);
});

test("more than a lot that was deleted at one moment goes together", async () => {
  const { server, machine, pass } = team();
  const [a, b] = [machine("a"), machine("b")];
  await a.add("stays");
  await deleteMany(a, 600);
  pass(1000);
  await deleteMany(a, 100);
  await rounds(a, b);
  pass(91 * DAY);
  await a.sync();
  expect(countThere(server)).toBe(101);
  pass(DAY);
  await a.sync();
  expect(countThere(server)).toBe(1);
  await rounds(a, b);
  await expectAgreement(server, a, b);
});

test("nobody removes a row by hand", async () => {
  const { server, id } = await deleted();
  expect(() => server.db.exec("DELETE FROM records")).toThrow("HD_NO_DELETE");
  expect(isThere(server, id)).toBe(true);
});
