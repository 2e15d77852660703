import { expect, test } from "vitest";
import type { EngineEvent } from "../../daemon/core/events.ts";
import type { Machine } from "../support/machine.ts";
import type { RequestFault, SqliteServer } from "../support/sqlite-executor.ts";
import { commands, expectAgreement, keptValues, rounds, team } from "./virtual-team.ts";

function hlcOf(of: Machine, id: string): string {
  return of.store.read.records.get("history", id)!.version.hlc;
}

test.each(["the original", "the copy"])(
  "a copied home: both go on, and the copy has an id of its own, also where %s is heard first",
  async (first) => {
    const { server, machine, open, copyOf } = team();
    const before = machine("a");
    await before.add("in common");
    await before.sync();
    before.close();
    const events: EngineEvent[] = [];
    const copy = open(copyOf(before.home), { onEvent: (event) => events.push(event) });
    const original = open(before.home);
    const ofOriginal = await original.add("by the original");
    const ofCopy = await copy.add("by the copy");

    await rounds(...(first === "the copy" ? [copy, original] : [original, copy]));
    expect(original.id).toBe("a");
    expect(copy.id).not.toBe("a");
    expect(events.filter(({ type }) => type === "identity")).toEqual([
      expect.objectContaining({ machine_id: copy.id, former_machine_id: "a" }),
    ]);
    expect(commands(original)).toEqual(["by the copy", "by the original", "in common"]);
    expect(original.get(ofOriginal.id)?.machine_id).toBe("a");
    // Until it was found out, a copy that is heard first speaks by the common name.
    expect(copy.get(ofCopy.id)?.machine_id).toBe(first === "the copy" ? "a" : copy.id);
    await expectAgreement(server, original, copy);
  },
);

test("a machine that was cloned with its host: exactly one of the two gives way", async () => {
  const { server, machine, open, copyOf } = team();
  const before = machine("a", { host: "the same VM" });
  await before.add("in common");
  await before.sync();
  before.close();
  const both = [before.home, copyOf(before.home)].map((home) => open(home, { host: "the same VM" }));
  for (const [place, each] of both.entries()) await each.add(`by number ${place}`);
  await rounds(...both);
  const ids = both.map(({ id }) => id);
  expect(ids.filter((id) => id === "a")).toHaveLength(1);
  expect(new Set(ids).size).toBe(2);
  expect(commands(both[0]!)).toEqual(["by number 0", "by number 1", "in common"]);
  await rounds(...both);
  expect(both.map(({ id }) => id)).toEqual(ids);
  await expectAgreement(server, ...both);
});

test("a home restored from an older copy is itself again, and what it had sent is not doubled", async () => {
  const { server, machine, open, copyOf, putBack } = team();
  const before = machine("a");
  const { id } = await before.add("old");
  await before.sync();
  before.close();
  const copy = copyOf(before.home);
  const later = open(before.home);
  const incarnation = later.store.read.meta.get("incarnation");
  await later.add("sent since");
  await later.recorder.edit(id, { note: "edited since" });
  await later.sync();
  later.close();
  putBack(copy, before.home);

  const events: EngineEvent[] = [];
  const restored = open(before.home, { onEvent: (event) => events.push(event) });
  await restored.add("after the restore");
  const b = machine("b");
  await rounds(restored, b);
  expect(restored.id).toBe("a");
  expect(restored.store.read.meta.get("incarnation")).not.toBe(incarnation);
  expect(events).toContainEqual(
    expect.objectContaining({ type: "identity", machine_id: "a", former_machine_id: null }),
  );
  expect(commands(restored)).toEqual(["after the restore", "old", "sent since"]);
  expect(restored.get(id)?.note).toBe("edited since");
  expect(keptValues(server)).toEqual([]);
  await expectAgreement(server, restored, b);
});

test("an answer that was lost before the copy was made doubles nothing, and both go on", async () => {
  const { server, machine, open, copyOf } = team();
  const faults: RequestFault[] = [];
  const before = machine("a", { remote: server.connect(() => faults.shift() ?? null) });
  await before.sync();
  const { id } = await before.add("whose answer was lost");
  faults.push("drop-answer");
  await expect(before.sync()).rejects.toThrow("injected");
  before.close();
  const copy = open(copyOf(before.home));
  const original = open(before.home);
  await copy.add("by the copy");
  await rounds(copy, original);
  expect(original.id).toBe("a");
  expect(copy.id).not.toBe("a");
  expect(commands(original)).toEqual(["by the copy", "whose answer was lost"]);
  expect(original.get(id)).toMatchObject({ machine_id: "a", sync: "synced" });
  await expectAgreement(server, original, copy);
});

test("a copy with entries and edits that were never sent: they arrive once, and what each did to them stays", async () => {
  const { server, machine, open, copyOf, pass } = team();
  const before = machine("a");
  const shared = await before.add("shared");
  await before.sync();
  await before.recorder.edit(shared.id, { note: "edited before" });
  const draft = await before.add("a draft");
  before.close();
  const copy = open(copyOf(before.home));
  const original = open(before.home);
  pass(1000);
  await original.recorder.edit(draft.id, { pinned: true });
  await original.recorder.edit(shared.id, { note: "by the original" });
  pass(1000);
  await copy.recorder.edit(draft.id, { note: "by the copy" });
  await copy.recorder.edit(shared.id, { note: "by the copy" });
  await rounds(original, copy);
  expect(commands(copy)).toEqual(["a draft", "shared"]);
  expect(copy.get(draft.id)).toMatchObject({ pinned: true, note: "by the copy", machine_id: "a" });
  expect(copy.get(shared.id)?.note).toBe("by the copy");
  expect(keptValues(server)).toEqual(["by the copy", "by the original"]);
  await expectAgreement(server, original, copy);
});

/** Two lives of one machine that nobody has found out, and that give the same stamps: the time stands still. */
async function twins(): Promise<{
  server: SqliteServer;
  original: Machine;
  copy: Machine;
  id: string;
  pass: (ms: number) => void;
}> {
  const { server, machine, open, copyOf, pass } = team();
  const before = machine("a");
  const { id } = await before.add("in common");
  await before.sync();
  before.close();
  const copy = open(copyOf(before.home));
  return { server, original: open(before.home), copy, id, pass };
}

test("equal stamps of different edits do not acknowledge one another: the loser is kept", async () => {
  const { server, original, copy, id } = await twins();
  await original.recorder.edit(id, { note: "of the original" });
  await copy.recorder.edit(id, { note: "of the copy" });
  expect(hlcOf(copy, id)).toBe(hlcOf(original, id));
  await original.sync();
  await rounds(copy, original);
  expect(keptValues(server)).toEqual(["of the copy", "of the original"]);
  await expectAgreement(server, original, copy);
});

test("nor do they where the remote does not remember who pushed: the read-back looks at the content too", async () => {
  const { server, original, copy, id } = await twins();
  // Both have heard of the remote in this process: their next request sends.
  await original.sync();
  await copy.sync();
  await original.recorder.edit(id, { note: "of the original" });
  await copy.recorder.edit(id, { note: "of the copy" });
  expect(hlcOf(copy, id)).toBe(hlcOf(original, id));
  await original.sync();
  server.db.exec("DELETE FROM nodes");
  await copy.sync();
  expect(copy.get(id)?.note).toBe("of the copy");
  await rounds(copy, original);
  expect(original.get(id)?.note).toBe("of the copy");
  await expectAgreement(server, original, copy);
});

test("different entries under one id, by two lives of one machine: the loser is kept", async () => {
  const { server, original, copy, pass } = await twins();
  const id = "00000000-0000-7000-8000-0000000000ff";
  const timestamp = 1_000;
  await original.add("of the original", { id, timestamp });
  pass(1);
  await copy.add("of the copy", { id, timestamp });
  await rounds(original, copy);
  expect(original.get(id)?.command).toBe("of the copy");
  expect(keptValues(server)).toEqual(expect.arrayContaining(["of the copy", "of the original"]));
  await expectAgreement(server, original, copy);
});

test("push numbers and ids are never used twice: not after lost requests, restarts or a restored home", async () => {
  const { server, machine, open, copyOf, putBack } = team();
  const faults: RequestFault[] = [];
  const remote = server.connect((mode) => (mode === "write" ? (faults.shift() ?? null) : null));
  const b = machine("b");
  await b.sync();
  server.db.exec(`CREATE TABLE pushes (seq INTEGER, id TEXT);
    CREATE TRIGGER pushed_first AFTER INSERT ON nodes WHEN NEW.machine_id = 'a' BEGIN
      INSERT INTO pushes VALUES (NEW.push_seq, NEW.last_push_id); END;
    CREATE TRIGGER pushed AFTER UPDATE ON nodes WHEN NEW.machine_id = 'a' BEGIN
      INSERT INTO pushes VALUES (NEW.push_seq, NEW.last_push_id); END`);
  const tried: number[] = [];
  async function push(from: Machine, fault: RequestFault = null): Promise<void> {
    await from.add("something");
    faults.push(fault);
    await from.sync().catch(() => undefined);
    tried.push(from.store.read.meta.number("push_seq"));
  }
  const a = machine("a", { remote });
  await push(a);
  await push(a, "drop-request");
  a.close();
  const copy = copyOf(a.home);
  const again = open(a.home, { remote });
  await push(again);
  await push(again, "drop-answer");
  await push(again);
  again.close();
  putBack(copy, a.home);
  const restored = open(a.home, { remote });
  await push(restored);
  await push(restored);
  expect(tried).toEqual([...new Set(tried)].toSorted((x, y) => x - y));
  const arrived = server.db.prepare("SELECT seq, id FROM pushes").all() as { seq: number; id: string }[];
  const numbers = arrived.map(({ seq }) => seq);
  expect(numbers).toEqual([...new Set(numbers)].toSorted((x, y) => x - y));
  expect(new Set(arrived.map(({ id }) => id)).size).toBe(arrived.length);
  expect(arrived.length).toBeGreaterThanOrEqual(6);
});
