import { expect, test } from "vitest";
import { createSqliteServer } from "../support/sqlite-executor.ts";
import { content, machine, onceArmed } from "./rig.ts";

test("an entry of one machine reaches the other, with the revision the server gave", async () => {
  const server = createSqliteServer();
  const [a, b] = [machine(server, "a"), machine(server, "b")];
  const { id } = await a.add("git status", { tags: ["x"], cwd: "/tmp", exit_code: 0 });
  expect(a.get(id)).toMatchObject({ rev: null, sync: "pending" });

  expect(await a.sync()).toMatchObject({ uploaded: 1, downloaded: 0, conflicts: 0 });
  expect(await b.sync()).toMatchObject({ uploaded: 0, downloaded: 1, conflicts: 0 });
  expect(a.get(id)).toMatchObject({ rev: 1, sync: "synced" });
  expect(content(b)).toEqual(content(a));
});

test("a push with its pull is one request, and an idle cycle is one read", async () => {
  const server = createSqliteServer();
  const a = machine(server, "a");
  await a.sync();
  for (let i = 0; i < 100; i++) await a.add(`echo ${i}`);
  server.requests.read = server.requests.write = 0;
  expect(await a.sync()).toMatchObject({ uploaded: 100, requests: 1 });
  expect(server.requests).toEqual({ read: 0, write: 1 });
  expect(await a.sync()).toMatchObject({ uploaded: 0, downloaded: 0, requests: 1 });
});

test("its own push does not come back as a download", async () => {
  const server = createSqliteServer();
  const a = machine(server, "a");
  await a.sync();
  await a.add("one");
  await a.sync();
  expect(Number(a.store.read.meta.get("cursor"))).toBe(1);
  expect(await a.sync()).toMatchObject({ downloaded: 0 });
});

test("revisions increase in the order of commits, whoever pushes", async () => {
  const server = createSqliteServer();
  const [a, b] = [machine(server, "a"), machine(server, "b")];
  const ids: string[] = [];
  for (const from of [a, b, b, a]) {
    ids.push((await from.add("x")).id);
    await from.sync();
  }
  const rows = server.db.prepare("SELECT id, rev FROM records ORDER BY rev").all() as {
    id: string;
    rev: number;
  }[];
  expect(rows.map(({ id }) => id)).toEqual(ids);
  expect(rows.map(({ rev }) => rev)).toEqual([1, 2, 3, 4]);
});

test("another machine is first: refused, merged, sent again, nothing lost", async () => {
  const server = createSqliteServer();
  const b = machine(server, "b");
  let id = "";
  const between = onceArmed();
  const a = machine(server, "a", { remote: server.connect(between.intercept) });
  await b.sync();
  id = (await b.add("make")).id;
  const other = await b.add("other");
  await b.sync();
  await a.sync();
  await a.recorder.edit(id, { note: "from a", pinned: true });
  between.arm(async () => {
    await b.recorder.edit(id, { note: "from b" });
    await b.recorder.edit(other.id, { note: "unrelated" });
    await b.sync();
  });
  expect(await a.sync()).toMatchObject({ uploaded: 2, conflicts: 1 });
  await b.sync();
  expect(a.get(other.id)?.note).toBe("unrelated");
  expect(a.get(id)).toMatchObject({ note: "from b", pinned: true, sync: "synced" });
  expect(content(b)).toEqual(content(a));
  expect(a.store.read.outbox.depth()).toBe(0);
});

test("a record that another machine adds while a push is on its way is not skipped", async () => {
  const server = createSqliteServer();
  const b = machine(server, "b");
  await b.sync();
  const between = onceArmed();
  const a = machine(server, "a", { remote: server.connect(between.intercept) });
  await a.sync();
  await a.add("from a");
  between.arm(async () => {
    await b.add("in between");
    await b.sync();
  });
  await a.sync();
  await a.sync();
  expect(new Set(a.entries().map(({ command }) => command))).toEqual(new Set(["in between", "from a"]));
});

test("pages: a thousand records each way arrive whole, and the cursor ends at the server's revision", async () => {
  const server = createSqliteServer();
  const [a, b] = [machine(server, "a"), machine(server, "b")];
  for (const from of [a, b]) {
    await from.recorder.recordAll(Array.from({ length: 1000 }, (_, i) => ({ command: `${from.id} ${i}` })));
  }
  await a.sync();
  await b.sync();
  await a.sync();
  expect(a.entries()).toHaveLength(2000);
  expect(content(b)).toEqual(content(a));
  expect(a.store.read.meta.get("cursor")).toBe("2000");
});

test("a record at the limits travels packed, and arrives byte for byte", async () => {
  const server = createSqliteServer();
  const [a, b] = [machine(server, "a"), machine(server, "b")];
  const response = 'ação "x"\\\n\u0001'.repeat(200_000);
  const small = await a.add("small");
  const { id } = await a.add("big", { response });
  await a.sync();
  await b.sync();
  expect(b.get(id)?.response).toBe(response);
  expect(b.get(small.id)?.command).toBe("small");
  expect(server.db.prepare("SELECT codec FROM records ORDER BY rev").pluck().all()).toEqual(["json", "gzip"]);
});

test("the remote refuses DELETE", async () => {
  const server = createSqliteServer();
  const a = machine(server, "a");
  await a.add("kept");
  await a.sync();
  expect(() => server.db.exec("DELETE FROM records")).toThrow(/HD_NO_DELETE/);
});

test("a remote of a newer protocol is refused by name, and nothing is changed", async () => {
  const server = createSqliteServer();
  const a = machine(server, "a");
  await a.add("one");
  await a.sync();
  await a.add("two");
  const before = content(a);

  server.db.exec("UPDATE meta SET value = '99' WHERE key = 'min_protocol'");
  await expect(a.sync()).rejects.toMatchObject({ kind: "guard", code: "HD_PROTO" });
  server.db.exec("UPDATE meta SET value = '2' WHERE key = 'min_protocol'");

  expect(content(a)).toEqual(before);
  expect(await a.sync()).toMatchObject({ uploaded: 1 });
});

test("the first cycle creates the tables, the second finds them", async () => {
  const server = createSqliteServer();
  const a = machine(server, "a");
  await a.sync();
  await a.sync();
  expect(server.db.prepare("SELECT version, file FROM migrations").all()).toEqual([
    { version: 1, file: "0001_records.sql" },
    { version: 2, file: "0002_proof.sql" },
  ]);
});
