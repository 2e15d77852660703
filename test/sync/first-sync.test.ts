import { expect, test } from "vitest";
import { type CycleReport, emptyReport, type FillPosition } from "../../daemon/sync/engine.ts";
import type { Machine } from "../support/machine.ts";
import { DAY, expectAgreement, rounds, team } from "./virtual-team.ts";

/** One cycle: at most 16 pages of a first sync. */
async function cycle(machine: Machine): Promise<CycleReport> {
  const report = emptyReport();
  await machine.engine.cycle(new AbortController().signal, report);
  return report;
}

function names(of: Machine): string[] {
  return of.entries().map(({ command }) => command);
}

async function found(by: Machine, word: string, now: number): Promise<string[]> {
  const filter = { mode: "hybrid", viewer: { machineId: by.id, user: null } } as const;
  return (await by.store.search.search(word, filter, 1000, now)).map(({ id }) => id);
}

/** A remote with a hundred entries, recorded one a second. */
async function hundred(): Promise<ReturnType<typeof team> & { a: Machine }> {
  const all = team();
  const a = all.machine("a");
  for (let n = 1; n <= 100; n++) {
    await a.add(`number ${n}`);
    all.pass(1000);
  }
  await a.sync();
  return { ...all, a };
}

test("the newest come first, some pages a cycle, and the position says how far it has come", async () => {
  const { server, machine, a } = await hundred();
  const b = machine("b", { pageSize: 2 });
  const positions: (FillPosition | null)[] = [];
  for (const count of [32, 64, 96, 100]) {
    positions.push((await cycle(b)).firstSync);
    expect(names(b)).toEqual(names(a).slice(0, count));
  }
  expect(positions).toEqual([
    { from: 100, below: 69 },
    { from: 100, below: 37 },
    { from: 100, below: 5 },
    null,
  ]);
  await expectAgreement(server, a, b);
});

test("a crash in the middle: it goes on where it was, and pulls nothing twice", async () => {
  const { server, machine, open, a } = await hundred();
  let left = Number.POSITIVE_INFINITY;
  const remote = server.connect(() => {
    if (--left < 0) throw new Error("killed");
    return null;
  });
  const b = machine("b", { remote, pageSize: 2 });
  left = 12;
  await expect(b.sync()).rejects.toThrow("killed");
  const here = b.entries().length;
  expect(here).toBeGreaterThan(0);
  expect(here).toBeLessThan(30);
  b.close();
  const again = open(b.home, { pageSize: 2 });
  expect(await again.sync()).toMatchObject({ downloaded: 100 - here, firstSync: null });
  expect(names(again)).toEqual(names(a));
  await expectAgreement(server, a, again);
});

test("edits, deletes, purges and new entries meanwhile, on both machines", async () => {
  const { server, machine, pass, a } = await hundred();
  const ids = a.entries().map(({ id }) => id);
  const b = machine("b", { pageSize: 2 });
  await cycle(b);
  await a.recorder.edit(ids[99]!, { note: "of one that has not come yet" });
  await a.recorder.edit(ids[0]!, { note: "of one that has" });
  await a.recorder.remove(ids[98]!);
  await a.recorder.purge(ids[97]!);
  await a.add("new, by a");
  await a.sync();
  pass(1000);
  await b.add("new, by b");
  await b.recorder.edit(ids[1]!, { note: "by b" });
  expect((await cycle(b)).firstSync).not.toBeNull();
  expect(names(b)).toContain("new, by a");
  expect(b.get(ids[99]!)?.note).toBe("of one that has not come yet");
  await rounds(b, a);
  expect(names(b)).toHaveLength(100);
  expect(a.get(ids[1]!)?.note).toBe("by b");
  await expectAgreement(server, a, b);
});

test("entries of one moment, and what a search finds, are in the order that others have them in", async () => {
  const { server, machine, now, pass } = team();
  const [a, longStanding] = [machine("a"), machine("l", { pageSize: 3 })];
  // One after another all are found equally well, and are of one moment.
  for (let n = 0; n < 40; n++) {
    await a.add(n % 2 === 0 ? "make build" : "make test");
    if (n % 10 === 9) pass(1000);
    if (n % 7 !== 6) continue;
    await a.sync();
    await longStanding.sync();
  }
  await rounds(a, longStanding);
  const fresh = machine("f", { pageSize: 3 });
  await fresh.sync();
  const ids = (of: Machine): string[] => of.entries().map(({ id }) => id);
  expect(ids(fresh)).toEqual(ids(longStanding));
  expect(ids(fresh)).toEqual(ids(a));
  for (const word of ["make", "test", "'build"]) {
    const those = await found(fresh, word, now());
    expect(those.length).toBeGreaterThanOrEqual(20);
    expect(those).toEqual(await found(longStanding, word, now()));
  }
  await a.add("make build");
  await rounds(a, longStanding, fresh);
  expect(ids(fresh)).toEqual(ids(longStanding));
  await expectAgreement(server, a, longStanding, fresh);
});

test("a remote from which records were collected is filled to its end", async () => {
  const { server, machine, pass, a } = await hundred();
  for (const { id, command } of a.entries()) {
    if (!/[05]$/.test(command)) await a.recorder.remove(id);
  }
  await a.sync();
  pass(91 * DAY);
  await rounds(a);
  expect(server.db.prepare("SELECT count(*) FROM records").pluck().get()).toBe(20);
  const b = machine("b", { pageSize: 2 });
  await b.sync();
  expect(names(b)).toEqual(names(a));
  expect(b.store.read.reconciliations.list(10).map(({ outcome }) => outcome)).toEqual([]);
  await expectAgreement(server, a, b);
});

test("an empty remote is filled at once", async () => {
  const { server, machine } = team();
  const a = machine("a");
  await a.add("first");
  expect(await cycle(a)).toMatchObject({ uploaded: 1, firstSync: null });
  await expectAgreement(server, a);
});
