import { expect, onTestFinished, test } from "vitest";
import { createMachine } from "../support/machine.ts";
import { createSqliteServer } from "../support/sqlite-executor.ts";
import { tempDir } from "../support/temp.ts";
import { machine } from "./rig.ts";

test("an edit that takes a record out of the editor's own sight takes it from its cache", async () => {
  const server = createSqliteServer();
  const [a, b] = [machine(server, "a"), machine(server, "b")];
  const { id } = await a.add("shared");
  await a.sync();
  await b.sync();
  await b.recorder.edit(id, { scope: "machine" });
  await b.sync();
  await a.sync();
  expect(b.get(id)).toBeNull();
  expect(a.get(id)).toMatchObject({ scope: "machine", sync: "synced" });
});

test("another user: the former user's private records of other machines leave the cache", async () => {
  const server = createSqliteServer();
  const elsewhere = machine(server, "a", { user: "ana" });
  await elsewhere.add("ana's secret", { scope: "user" });
  await elsewhere.add("for everyone");
  await elsewhere.sync();
  const home = tempDir("hd");
  onTestFinished(home.remove);
  const ana = createMachine({ id: "b", remote: server.connect(), user: "ana", home: home.path });
  await ana.sync();
  expect(ana.entries()).toHaveLength(2);
  ana.close();
  const bob = createMachine({ id: "b", remote: server.connect(), user: "bob", home: home.path });
  await bob.sync();
  expect(
    bob.store.read.history.list({ mode: "machine", viewer: { machineId: "a", user: "ana" } }, 10, null)
      .entries,
  ).toEqual([expect.objectContaining({ command: "for everyone" })]);
  bob.close();
});

test("scopes: each machine pulls what it may see, and loses sight of what was withdrawn", async () => {
  const server = createSqliteServer();
  const a = machine(server, "a", { user: "ana" });
  const anaToo = machine(server, "b", { user: "ana" });
  const bob = machine(server, "c", { user: "bob" });
  const everyone = await a.add("for everyone");
  const mine = await a.add("for ana", { scope: "user" });
  await a.add("for this machine", { scope: "machine" });
  await a.sync();
  await anaToo.sync();
  await bob.sync();
  expect(a.entries()).toHaveLength(3);
  expect(new Set(anaToo.entries().map(({ id }) => id))).toEqual(new Set([everyone.id, mine.id]));
  expect(bob.entries().map(({ id }) => id)).toEqual([everyone.id]);

  await a.recorder.edit(everyone.id, { scope: "user" });
  await a.sync();
  await anaToo.sync();
  await bob.sync();
  expect(anaToo.entries()).toHaveLength(2);
  expect(bob.entries()).toEqual([]);
});

test("unsent edits of a withdrawn record are kept as a conflict that only this machine sees", async () => {
  const server = createSqliteServer();
  const a = machine(server, "a", { user: "ana" });
  const bob = machine(server, "c", { user: "bob" });
  const { id } = await a.add("shared");
  await a.sync();
  await bob.sync();
  await bob.recorder.edit(id, { note: "bob's words" });
  await a.recorder.edit(id, { scope: "user" });
  await a.sync();
  expect(await bob.sync()).toMatchObject({ conflicts: 1 });
  expect(bob.get(id)).toBeNull();
  const kept = server.db.prepare("SELECT scope, body FROM records WHERE kind = 'conflict'").get() as {
    scope: string;
    body: string;
  };
  expect(kept.scope).toBe("machine");
  expect(JSON.parse(kept.body)).toMatchObject({ field: "note", local_value: "bob's words" });
});

test("another user: pulling starts over, and what is here already is not doubled", async () => {
  const server = createSqliteServer();
  const a = machine(server, "a", { user: "ana" });
  await a.add("for ana", { scope: "user" });
  await a.add("for everyone");
  await a.sync();
  const home = tempDir("hd");
  onTestFinished(home.remove);
  const before = createMachine({ id: "b", remote: server.connect(), user: null, home: home.path });
  await before.sync();
  expect(before.entries()).toHaveLength(1);
  before.close();
  const after = createMachine({ id: "b", remote: server.connect(), user: "ana", home: home.path });
  expect(await after.sync()).toMatchObject({ downloaded: 1 });
  expect(after.entries()).toHaveLength(2);
  after.close();
});
