import { expect, test } from "vitest";
import type { Machine } from "../support/machine.ts";
import { createSqliteServer, type RequestFault } from "../support/sqlite-executor.ts";
import { content, machine, onceArmed } from "./rig.ts";

test("an answer that is lost is harmless: the push is repeated and nothing is doubled", async () => {
  const server = createSqliteServer();
  const faults: RequestFault[] = [];
  const [a, b] = [machine(server, "a", {}, faults), machine(server, "b")];
  await a.sync();
  const { id } = await a.add("once");
  faults.push("drop-answer");
  await expect(a.sync()).rejects.toThrow(/connection broke/);
  expect(a.get(id)?.sync).toBe("pending");
  expect(await a.sync()).toMatchObject({ uploaded: 1, downloaded: 0 });
  expect(a.get(id)).toMatchObject({ sync: "synced", rev: 1 });
  await b.sync();
  expect(b.entries()).toHaveLength(1);
  expect(a.store.read.outbox.depth()).toBe(0);
});

test("an answer that is lost, then an edit: the edit goes on top, without a conflict", async () => {
  const server = createSqliteServer();
  const faults: RequestFault[] = [];
  const [a, b] = [machine(server, "a", {}, faults), machine(server, "b")];
  await a.sync();
  const { id } = await a.add("once");
  faults.push("drop-answer");
  await expect(a.sync()).rejects.toThrow();
  await a.recorder.edit(id, { note: "meanwhile" });
  expect(await a.sync()).toMatchObject({ uploaded: 1, conflicts: 0 });
  await b.sync();
  expect(b.get(id)).toMatchObject({ note: "meanwhile", rev: 2 });
  expect(content(b)).toEqual(content(a));
});

test("an answer that is lost, then edits of both machines: both survive, without a conflict", async () => {
  const server = createSqliteServer();
  const faults: RequestFault[] = [];
  const [a, b] = [machine(server, "a", {}, faults), machine(server, "b")];
  await a.sync();
  const { id } = await a.add("once");
  faults.push("drop-answer");
  await expect(a.sync()).rejects.toThrow();
  await b.sync();
  await b.recorder.edit(id, { command: "once, by b" });
  await b.sync();
  await a.recorder.edit(id, { note: "by a" });
  expect(await a.sync()).toMatchObject({ conflicts: 0 });
  await b.sync();
  expect(a.get(id)).toMatchObject({ command: "once, by b", note: "by a" });
  expect(content(b)).toEqual(content(a));
});

test("an edit while its earlier version is under way is neither lost nor taken for acknowledged", async () => {
  const server = createSqliteServer();
  const a = machine(server, "a");
  await a.sync();
  const { id } = await a.add("first");
  const cycle = a.sync();
  // The recorder's writes and the cycle's interleave at every await of the cycle.
  await a.recorder.edit(id, { note: "second" });
  await cycle;
  await a.sync();
  const b = machine(server, "b");
  await b.sync();
  expect(b.get(id)).toMatchObject({ command: "first", note: "second" });
  expect(a.get(id)?.sync).toBe("synced");
});

test("an edit while the answer is on its way back is not taken for acknowledged", async () => {
  const server = createSqliteServer();
  let id = "";
  const onTheWay = onceArmed();
  const a: Machine = machine(server, "a", {
    remote: server.connect(undefined, async (mode) => {
      await onTheWay.intercept(mode);
    }),
  });
  await a.sync();
  ({ id } = await a.add("first"));
  onTheWay.arm(() => a.recorder.edit(id, { note: "meanwhile" }));
  expect(await a.sync()).toMatchObject({ uploaded: 2, conflicts: 0 });
  const b = machine(server, "b");
  await b.sync();
  expect(b.get(id)).toMatchObject({ command: "first", note: "meanwhile" });
  expect(content(b)).toEqual(content(a));
});

test("a lost answer to an edit, then another edit of the same field: no conflict with oneself", async () => {
  const server = createSqliteServer();
  const faults: RequestFault[] = [];
  const a = machine(server, "a", {}, faults);
  const { id } = await a.add("make");
  await a.sync();
  await a.recorder.edit(id, { note: "one" });
  faults.push("drop-answer");
  await expect(a.sync()).rejects.toThrow();
  await a.recorder.edit(id, { note: "two" });
  expect(await a.sync()).toMatchObject({ conflicts: 0 });
  expect(a.get(id)).toMatchObject({ note: "two", rev: 3, sync: "synced" });
});

test("a machine that was never told keeps its records when the request itself is lost", async () => {
  const server = createSqliteServer();
  const faults: RequestFault[] = [];
  const a = machine(server, "a", {}, faults);
  await a.sync();
  await a.add("kept");
  faults.push("drop-request");
  await expect(a.sync()).rejects.toThrow();
  expect(server.db.prepare("SELECT count(*) FROM records").pluck().get()).toBe(0);
  expect(await a.sync()).toMatchObject({ uploaded: 1 });
});
