import { expect, test } from "vitest";
import { createSqliteServer } from "../support/sqlite-executor.ts";
import { content, machine } from "./rig.ts";

test("edits of different fields on two machines both survive, without a conflict", async () => {
  const server = createSqliteServer();
  const [a, b] = [machine(server, "a"), machine(server, "b")];
  const { id } = await a.add("make build");
  await a.sync();
  await b.sync();
  await a.recorder.edit(id, { note: "from a" });
  await b.recorder.edit(id, { pinned: true });
  await a.sync();
  expect(await b.sync()).toMatchObject({ conflicts: 0 });
  await a.sync();
  expect(a.get(id)).toMatchObject({ note: "from a", pinned: true, sync: "synced" });
  expect(content(b)).toEqual(content(a));
});

test("the same field on two machines: the later write wins, the loser is kept and reaches everyone", async () => {
  const server = createSqliteServer();
  let time = 1_000_000;
  const now = () => time;
  const [a, b] = [machine(server, "a", { now }), machine(server, "b", { now })];
  const { id } = await a.add("make");
  await a.sync();
  await b.sync();
  time += 1000;
  await b.recorder.edit(id, { note: "earlier, from b" });
  time += 1000;
  await a.recorder.edit(id, { note: "later, from a" });
  await a.sync();
  expect(await b.sync()).toMatchObject({ conflicts: 1 });
  await a.sync();
  expect(a.get(id)?.note).toBe("later, from a");
  expect(content(b)).toEqual(content(a));
  const conflicts = server.db.prepare("SELECT id, body FROM records WHERE kind = 'conflict'").all() as {
    id: string;
    body: string;
  }[];
  expect(conflicts).toHaveLength(1);
  expect(JSON.parse(conflicts[0]!.body)).toMatchObject({
    field: "note",
    local_value: "earlier, from b",
    remote_value: "later, from a",
    winner: "remote",
  });
  expect(a.store.read.records.get("conflict", conflicts[0]!.id)?.version.fields.local_value).toBe(
    "earlier, from b",
  );
});

test("the later write of a field wins even where the other machine edited something else after it", async () => {
  const server = createSqliteServer();
  let time = 1_000_000;
  const now = () => time;
  const [a, b] = [machine(server, "a", { now }), machine(server, "b", { now })];
  const { id } = await a.add("make");
  await a.sync();
  await b.sync();
  time += 1000;
  await a.recorder.edit(id, { note: "first, from a" });
  time += 1000;
  await b.recorder.edit(id, { note: "second, from b" });
  time += 1000;
  await a.recorder.edit(id, { pinned: true });
  await b.sync();
  await a.sync();
  await b.sync();
  expect(a.get(id)).toMatchObject({ note: "second, from b", pinned: true });
  expect(content(b)).toEqual(content(a));
});

test("delete on one machine and edit on another: both happen", async () => {
  const server = createSqliteServer();
  const [a, b] = [machine(server, "a"), machine(server, "b")];
  const { id } = await a.add("make");
  await a.sync();
  await b.sync();
  await a.recorder.remove(id);
  await b.recorder.edit(id, { note: "kept" });
  await a.sync();
  await b.sync();
  await a.sync();
  for (const one of [a, b]) {
    expect(one.entries()).toEqual([]);
    expect(one.get(id)).toMatchObject({ note: "kept", deleted_at: expect.any(Number) as number });
  }
});

test("a field that was edited and synchronised before is no conflict when one side edits it again", async () => {
  const server = createSqliteServer();
  const [a, b] = [machine(server, "a"), machine(server, "b")];
  const { id } = await a.add("make");
  await a.recorder.edit(id, { note: "one" });
  await a.sync();
  await a.recorder.edit(id, { note: "two" });
  await a.sync();
  await b.sync();
  await b.recorder.edit(id, { note: "three" });
  await a.recorder.edit(id, { pinned: true });
  await b.sync();
  expect(await a.sync()).toMatchObject({ conflicts: 0 });
  expect(a.get(id)).toMatchObject({ note: "three", pinned: true });
});

test("a row edited by hand wins over an earlier local edit of a field that was edited before", async () => {
  let time = 1_000_000_000;
  const server = createSqliteServer(() => time);
  const a = machine(server, "a", { now: () => time });
  const { id } = await a.add("make");
  await a.recorder.edit(id, { note: "one" });
  await a.sync();
  time += 1000;
  await a.recorder.edit(id, { note: "two" });
  time += 1000;
  server.db.prepare("UPDATE records SET body = json_set(body, '$.note', 'by hand') WHERE id = ?").run(id);
  expect(await a.sync()).toMatchObject({ conflicts: 1 });
  expect(a.get(id)).toMatchObject({ note: "by hand", sync: "synced" });
});

test("a row edited by hand on the remote reaches the machines, and reads as edited remotely", async () => {
  const server = createSqliteServer();
  const [a, b] = [machine(server, "a"), machine(server, "b")];
  const { id } = await a.add("typo");
  await a.sync();
  await b.sync();
  server.db.prepare("UPDATE records SET body = json_set(body, '$.command', 'mended') WHERE id = ?").run(id);
  await a.sync();
  await b.sync();
  expect(a.get(id)).toMatchObject({ command: "mended", last_editor: "remote" });
  expect(content(b)).toEqual(content(a));
});
