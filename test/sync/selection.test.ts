import { expect, test } from "vitest";
import { commands, DAY, HOUR, rounds, team, verify } from "./virtual-team.ts";

test("scopes: of others' only those that are wanted, and one's own always", async () => {
  const { machine } = team();
  const a = machine("a", { user: "ana" });
  const b = machine("b", { user: "ana", scopes: ["global"] });
  await a.add("global, of a");
  await a.add("ana's, of a", { scope: "user" });
  await a.add("machine, of a", { scope: "machine" });
  await b.add("ana's, of b", { scope: "user" });
  await b.add("machine, of b", { scope: "machine" });
  await rounds(a, b);
  expect(commands(b)).toEqual(["ana's, of b", "global, of a", "machine, of b"]);
  expect(commands(a)).toEqual(["ana's, of a", "ana's, of b", "global, of a", "machine, of a"]);
  for (const each of [a, b]) expect(await verify(each)).toBe("equal");
});

test("kinds: of others' only those that are wanted, and one's own always", async () => {
  const { machine } = team();
  const [a, b] = [machine("a"), machine("b", { kinds: ["chat"] })];
  await a.add("command of a");
  await a.add("chat of a", { kind: "chat", response: "yes" });
  await b.add("command of b");
  await rounds(a, b);
  expect(commands(b)).toEqual(["chat of a", "command of b"]);
  expect(commands(a)).toEqual(["chat of a", "command of a", "command of b"]);
  for (const each of [a, b]) expect(await verify(each)).toBe("equal");
});

test("age: others' older entries do not come, neither at first nor later; one's own do", async () => {
  const { machine, now } = team();
  const [a, b] = [machine("a"), machine("b", { maxAgeMs: 30 * DAY })];
  const old = { timestamp: now() - 40 * DAY };
  await a.add("old, of a", old);
  await b.add("old, of b", old);
  await a.add("new, of a");
  await rounds(a, b);
  await a.add("old too, of a", old);
  await rounds(a, b);
  expect(commands(b)).toEqual(["new, of a", "old, of b"]);
  expect(commands(a)).toHaveLength(4);
  for (const each of [a, b]) expect(await verify(each)).toBe("equal");
});

test("age: an entry that is here is edited, deleted and purged also when it is older than wanted", async () => {
  const { machine, pass } = team();
  const [a, b] = [machine("a"), machine("b", { maxAgeMs: 30 * DAY })];
  const [edited, deleted, purged] = [await a.add("edited"), await a.add("deleted"), await a.add("purged")];
  await rounds(a, b);
  pass(40 * DAY);
  await a.recorder.edit(edited.id, { note: "late" });
  await a.recorder.remove(deleted.id);
  await a.recorder.purge(purged.id);
  await rounds(a, b);
  expect(b.get(edited.id)?.note).toBe("late");
  expect(b.get(deleted.id)?.deleted_at).not.toBeNull();
  expect(b.get(purged.id)).toBeNull();
  expect(await verify(b)).toBe("equal");
});

test("kinds narrowed: what is no longer wanted leaves, but for unsent edits; widened: it is back", async () => {
  const { machine, open } = team();
  const [a, b] = [machine("a"), machine("b")];
  const { id } = await a.add("command");
  await a.add("edited");
  await a.add("chat", { kind: "chat", response: "yes" });
  await rounds(a, b);
  const [edited] = b.entries().filter(({ command }) => command === "edited");
  await b.recorder.edit(edited!.id, { note: "unsent" });
  b.close();
  const narrow = open(b.home, { kinds: ["chat"] });
  await narrow.sync();
  expect(narrow.get(id)).toBeNull();
  expect(commands(narrow)).toContain("chat");
  await a.sync();
  expect(a.get(edited!.id)?.note).toBe("unsent");
  expect(await verify(narrow)).toBe("equal");
  narrow.close();
  const wide = open(b.home);
  await wide.sync();
  expect(commands(wide)).toEqual(["chat", "command", "edited"]);
  expect(await verify(wide)).toBe("equal");
});

test("age widened: what was too old comes", async () => {
  const { machine, open, now } = team();
  const [a, b] = [machine("a"), machine("b", { maxAgeMs: 30 * DAY })];
  await a.add("old", { timestamp: now() - 40 * DAY });
  await a.add("new");
  await rounds(a, b);
  expect(commands(b)).toEqual(["new"]);
  b.close();
  const wide = open(b.home, { maxAgeMs: 60 * DAY });
  await wide.sync();
  expect(commands(wide)).toEqual(["new", "old"]);
});

test("comparing asks for nothing but what is selected, also while entries grow too old", async () => {
  const { server, machine, pass, now } = team();
  const a = machine("a");
  let passing = 0;
  const remote = server.connect(
    () => {
      pass(passing);
      return null;
    },
    () => {
      pass(passing);
    },
  );
  const b = machine("b", { remote, maxAgeMs: 30 * DAY });
  for (let hour = 0; hour < 48; hour++) {
    await a.add(`${hour} hours`, { timestamp: now() - 29 * DAY - hour * HOUR });
  }
  await rounds(a, b);
  expect(b.entries()).toHaveLength(25);
  passing = 20 * 60_000;
  for (let tries = 0; tries < 20; tries++) {
    const done = await b.reconcile({ reason: "test", content: true, repair: true });
    expect(done).toMatchObject({ outcome: "equal", requests: 1, mended: 0 });
  }
  // What was here stays, whatever its age.
  expect(b.entries()).toHaveLength(25);
});
