import { expect, test } from "vitest";
import type { EngineEvent } from "../../daemon/core/events.ts";
import type { SqlExecutor } from "../../daemon/remote/executor.ts";
import { createSqliteServer, type SqliteServer } from "../support/sqlite-executor.ts";
import { byHand, commands, expectAgreement, keptValues, rounds, team, verify } from "./virtual-team.ts";

test("restored to before what everyone has seen: what it lost is sent again, once", async () => {
  const { server, machine } = team();
  const events: EngineEvent[] = [];
  const [a, b] = [machine("a", { onEvent: (event) => events.push(event) }), machine("b")];
  const { id } = await a.add("in the backup");
  await rounds(a, b);
  const backup = server.backUp();
  await a.add("lost, by a");
  await b.add("lost, by b");
  await b.recorder.edit(id, { note: "a lost edit" });
  await rounds(a, b);
  server.restore(backup);
  await rounds(a, b);
  expect(commands(a)).toEqual(["in the backup", "lost, by a", "lost, by b"]);
  expect(a.get(id)?.note).toBe("a lost edit");
  expect(keptValues(server)).toEqual([]);
  expect(events).toContainEqual({ type: "remote", change: "restored" });
  await expectAgreement(server, a, b);
});

test("revisions handed out again, past everyone's cursor, are not taken for the old ones", async () => {
  const { server, machine } = team();
  const [a, b] = [machine("a"), machine("b")];
  await a.add("in the backup");
  await rounds(a, b);
  const backup = server.backUp();
  await a.add("lost, by a");
  await rounds(a, b);
  await b.add("lost, by b");
  await rounds(b, a);
  server.restore(backup);
  const others = machine("c");
  for (const name of ["one", "two", "three", "four"]) {
    await others.add(name);
    await others.sync();
  }
  expect(server.db.prepare("SELECT value FROM seq").pluck().get()).toBeGreaterThan(
    a.store.read.meta.number("cursor"),
  );
  await rounds(a, b, others);
  expect(commands(a)).toEqual(["four", "in the backup", "lost, by a", "lost, by b", "one", "three", "two"]);
  await expectAgreement(server, a, b, others);
});

test("a machine that has seen no mark notices by the newest revision alone", async () => {
  const { server, machine } = team();
  const [a, b] = [machine("a"), machine("b")];
  await a.add("in the backup");
  await rounds(a, b);
  const backup = server.backUp();
  await a.add("lost");
  await rounds(a, b);
  byHand(a, "DELETE FROM marks");
  server.restore(backup);
  await a.sync();
  expect(server.db.prepare("SELECT count(*) FROM records").pluck().get()).toBe(2);
  await rounds(a, b);
  expect(commands(b)).toEqual(["in the backup", "lost"]);
  await expectAgreement(server, a, b);
});

test("restored twice, to the same copy", async () => {
  const { server, machine } = team();
  const [a, b] = [machine("a"), machine("b")];
  await a.add("in the backup");
  await rounds(a, b);
  const backup = server.backUp();
  for (const round of ["first", "second"]) {
    await a.add(`before the ${round} time, by a`);
    await b.add(`before the ${round} time, by b`);
    await rounds(a, b);
    server.restore(backup);
    await b.add(`after the ${round} time`);
    await rounds(b, a);
  }
  expect(commands(a)).toHaveLength(7);
  expect(keptValues(server)).toEqual([]);
  await expectAgreement(server, a, b);
});

test("edits on both sides of the break are kept, and where both changed a field there is one conflict", async () => {
  const { server, machine, pass } = team();
  const [a, b, c] = [machine("a"), machine("b"), machine("c")];
  const { id } = await a.add("make");
  await rounds(a, b, c);
  const backup = server.backUp();
  await a.recorder.edit(id, { note: "before", pinned: true });
  await rounds(a, b);
  server.restore(backup);
  pass(1000);
  await c.recorder.edit(id, { note: "after", command: "make all" });
  await c.sync();
  await rounds(a, b, c);
  expect(b.get(id)).toMatchObject({ note: "after", pinned: true, command: "make all" });
  expect(keptValues(server)).toEqual(["after", "before"]);
  await expectAgreement(server, a, b, c);
});

test("replaced by an empty one: everything is sent to it", async () => {
  const { server, machine } = team();
  const events: EngineEvent[] = [];
  const [a, b] = [machine("a", { onEvent: (event) => events.push(event) }), machine("b")];
  const { id } = await a.add("by a");
  await b.add("by b");
  await rounds(a, b);
  await b.recorder.edit(id, { note: "unsent" });
  server.restore(null);
  await rounds(a, b);
  expect(commands(a)).toEqual(["by a", "by b"]);
  expect(a.get(id)?.note).toBe("unsent");
  expect(keptValues(server)).toEqual([]);
  expect(events).toContainEqual({ type: "remote", change: "replaced" });
  await expectAgreement(server, a, b);
});

test("replaced by another team's database: both teams have both teams' entries", async () => {
  const ours = team();
  const theirs = team();
  const them = theirs.machine("x");
  for (const name of ["one", "two", "three"]) await them.add(`theirs, ${name}`);
  await them.sync();
  const [a, b] = [ours.machine("a"), ours.machine("b")];
  await a.add("ours");
  await rounds(a, b);
  ours.server.restore(theirs.server.backUp());
  await rounds(a, b);
  expect(commands(b)).toEqual(["ours", "theirs, one", "theirs, three", "theirs, two"]);
  await expectAgreement(ours.server, a, b);
});

test("an address behind which there are two databases is told of, instead of asked for ever", async () => {
  const { server, machine, now } = team();
  const other = createSqliteServer(now);
  await machine("x", { remote: other.connect() }).sync();
  const [one, two] = [server.connect(), other.connect()];
  let requests = 0;
  let isSteady = true;
  const next = (): SqlExecutor => (isSteady || ++requests % 2 === 0 ? one : two);
  const remote: SqlExecutor = {
    batch: (...call) => next().batch(...call),
    script: (...call) => next().script(...call),
    close: () => undefined,
  };
  const a = machine("a", { remote });
  await a.add("kept");
  await a.sync();
  isSteady = false;
  await expect(a.sync()).rejects.toMatchObject({ code: "HD_REMOTE_UNSTEADY" });
  expect(requests).toBeLessThan(20);
  isSteady = true;
  await a.sync();
  expect(commands(a)).toEqual(["kept"]);
  await expectAgreement(server, a);
});

/** As when 100,000 revisions have been made since: all marks but the newest are gone. */
function forgetMarks({ db }: SqliteServer): void {
  // So many revisions later that the remote has forgotten them.
  db.exec("DELETE FROM marks; UPDATE seq SET value = value + 200000");
}

test("marks forgotten: both sides are compared, found equal, and the doubt is over", async () => {
  const { server, machine } = team();
  const [a, b] = [machine("a"), machine("b")];
  await a.add("one");
  await rounds(a, b);
  await b.add("two");
  await b.sync();
  forgetMarks(server);
  await a.add("unsent");
  await a.sync();
  expect(a.store.read.reconciliations.list(1)[0]).toMatchObject({
    reason: "history_unknown",
    content: true,
    outcome: "equal",
  });
  await rounds(a, b);
  expect(commands(b)).toEqual(["one", "two", "unsent"]);
  await expectAgreement(server, a, b);
});

test("marks forgotten of a remote that was restored meanwhile: what only this machine has is sent again", async () => {
  const { server, machine } = team();
  const [a, b] = [machine("a"), machine("b")];
  await a.add("in the backup");
  await rounds(a, b);
  const backup = server.backUp();
  await a.add("lost");
  await a.sync();
  server.restore(backup);
  await b.add("in its place");
  await b.sync();
  await b.add("and one more");
  await b.sync();
  forgetMarks(server);
  await a.sync();
  expect(a.store.read.reconciliations.list(1)[0]).toMatchObject({
    reason: "history_unknown",
    outcome: "mended",
  });
  await rounds(a, b);
  expect(commands(b)).toEqual(["and one more", "in its place", "in the backup", "lost"]);
  await expectAgreement(server, a, b);
});

test.each(["behind the cursor", "past the cursor"])(
  "a push that meets a restored remote (%s) is refused as a whole",
  async (where) => {
    const { server, machine } = team();
    const c = machine("c");
    await c.add("in the backup");
    await c.sync();
    const backup = server.backUp();
    const dump = (): unknown =>
      ["records", "nodes", "marks", "seq"].map((table) => server.db.prepare(`SELECT * FROM ${table}`).all());
    let before: unknown = null;
    let after: unknown = null;
    let restores = false;
    const remote = server.connect(async (mode) => {
      if (before !== null) after ??= dump();
      if (!restores || mode === "read") return null;
      restores = false;
      server.restore(backup);
      if (where === "past the cursor") {
        for (const name of ["x", "y", "z"]) await c.add(name);
        await c.sync();
      }
      before = dump();
      return null;
    });
    const a = machine("a", { remote });
    await a.add("lost");
    await a.sync();
    await a.add("unsent");
    restores = true;
    await a.sync();
    expect(before).not.toBeNull();
    expect(after).toEqual(before);
    await rounds(c, a);
    expect(commands(c)).toEqual(expect.arrayContaining(["in the backup", "lost", "unsent"]));
    expect(await verify(c)).toBe("equal");
    await expectAgreement(server, a, c);
  },
);
