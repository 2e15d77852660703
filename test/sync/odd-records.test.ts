import { expect, onTestFinished, test } from "vitest";
import type { PulledRecord } from "../../daemon/remote/remote.ts";
import { createMachine } from "../support/machine.ts";
import { createSqliteServer, type SqliteServer } from "../support/sqlite-executor.ts";
import { tempDir } from "../support/temp.ts";
import { machine } from "./rig.ts";

/** As collecting does it, but at once. */
function collectAll(server: SqliteServer): void {
  server.db.exec(`INSERT INTO meta VALUES ('collecting', '1');
    UPDATE meta SET value = (SELECT max(rev) FROM records) WHERE key = 'gc_floor';
    DELETE FROM records; DELETE FROM meta WHERE key = 'collecting'`);
}

test("an edit never creates a row that the remote has collected: it becomes a conflict", async () => {
  const server = createSqliteServer();
  const a = machine(server, "a");
  const { id } = await a.add("gone");
  await a.sync();
  collectAll(server);
  await a.recorder.edit(id, { note: "too late" });
  const other = await a.add("goes on");
  expect(await a.sync()).toMatchObject({ conflicts: 1 });
  const rows = server.db.prepare("SELECT id, kind FROM records WHERE kind = 'history'").all();
  expect(rows).toEqual([{ id: other.id, kind: "history" }]);
  expect(a.get(id)).toBeNull();
  expect(a.store.read.records.conflictsOf(id)[0]?.version.fields).toMatchObject({ local_value: "too late" });
  expect([a.store.read.outbox.depth(), a.store.read.outbox.parked()]).toEqual([0, 0]);
});

test("more stuck records than a cycle has patience for block nothing either", async () => {
  const server = createSqliteServer();
  const a = machine(server, "a", { batchSize: 1 });
  const ids: string[] = [];
  for (let i = 0; i < 8; i++) ids.push((await a.add(`gone ${i}`)).id);
  await a.sync();
  collectAll(server);
  for (const id of ids) await a.recorder.edit(id, { note: "too late" });
  const { id } = await a.add("goes on");
  await a.sync();
  expect(a.store.read.outbox.depth()).toBe(0);
  expect(a.get(id)?.sync).toBe("synced");
});

test("an edit of a record whose newer version cannot be read here is parked, and blocks nothing", async () => {
  const server = createSqliteServer();
  const [a, b] = [machine(server, "a", { batchSize: 1 }), machine(server, "b")];
  const { id } = await a.add("make");
  await a.sync();
  await b.sync();
  // A newer historyd edited it.
  server.db
    .prepare(
      "UPDATE records SET schema = 99, hlc = '0fffffffffff-0000-abcdefabcdef', base_rev = rev WHERE id = ?",
    )
    .run(id);
  await a.recorder.edit(id, { note: "mine" });
  const other = await a.add("goes on");
  await a.sync();
  expect(a.get(other.id)?.sync).toBe("synced");
  expect(a.store.read.outbox.parked()).toBe(1);
  expect(a.store.read.setAside.count()).toBe(1);
  expect(a.get(id)?.note).toBe("mine");
});

test("a record that the remote rejects for itself is found and parked, and the others go on", async () => {
  const server = createSqliteServer();
  const a = machine(server, "a");
  await a.sync();
  server.db.exec(`CREATE TRIGGER picky BEFORE INSERT ON records WHEN NEW.body LIKE '%unlucky%' BEGIN
    SELECT RAISE(ABORT, 'string or blob too big'); END`);
  for (let i = 0; i < 20; i++) await a.add(i === 7 || i === 13 ? `unlucky ${i}` : `fine ${i}`);
  await a.sync();
  expect(a.store.read.outbox.parked()).toBe(2);
  expect(server.db.prepare("SELECT count(*) FROM records").pluck().get()).toBe(18);
  server.db.exec("DROP TRIGGER picky");
  await a.add("one more");
  expect(await a.sync()).toMatchObject({ uploaded: 1 });
});

const ELSEWHERE = "00000000-0000-7000-8000-00000000ffff";

test("what was parked or set aside is tried again by the next process", async () => {
  const server = createSqliteServer();
  const home = tempDir("hd");
  onTestFinished(home.remove);
  const before = createMachine({ id: "a", remote: server.connect(), home: home.path });
  await before.add("sent");
  await before.sync();
  const sent = server.db.prepare("SELECT * FROM records").get() as PulledRecord;
  const { id } = await before.add("waits");
  await before.store.write.run((tx) => {
    tx.outbox.park(id, "a test");
    const body = JSON.stringify({ kind: "command", command: "from elsewhere", pinned: false, created_at: 5 });
    tx.setAside.put({ ...sent, id: ELSEWHERE, body, digest: null }, 2, "a test", 1);
  });
  before.close();
  const after = createMachine({ id: "a", remote: server.connect(), home: home.path });
  await after.sync();
  expect([after.store.read.outbox.depth(), after.store.read.setAside.count()]).toEqual([0, 0]);
  expect(after.entries().map(({ command }) => command)).toContain("from elsewhere");
  expect(after.get(id)?.sync).toBe("synced");
  after.close();
});

test("a value that no number holds is set aside with its record", async () => {
  const server = createSqliteServer();
  const [a, b] = [machine(server, "a"), machine(server, "b")];
  await a.add("fine");
  const { id } = await a.add("broken");
  await a.sync();
  server.db.prepare("UPDATE records SET timestamp = -5 WHERE id = ?").run(id);
  await b.sync();
  expect(b.entries().map(({ command }) => command)).toEqual(["fine"]);
  expect(b.store.read.setAside.count()).toBe(1);
});

test("a record of an unknown kind, a newer schema or an unreadable body is set aside and blocks nothing", async () => {
  const server = createSqliteServer();
  const [a, b] = [machine(server, "a"), machine(server, "b")];
  const first = await a.add("first");
  await a.sync();
  const insert = server.db.prepare(
    `INSERT INTO records (id, kind, hlc, scope, machine_id, timestamp, last_editor, schema, codec, body)
     VALUES (?, ?, '0000000000ff-0000-abcdefabcdef', 'global', 'z', 1, 'z', ?, ?, ?)`,
  );
  insert.run("k", "hologram", 1, "json", "{}");
  insert.run("s", "history", 99, "json", "{}");
  insert.run("j", "history", 1, "json", "{not json");
  insert.run("c", "history", 1, "morse", "...");
  insert.run("t", "history", 1, "json", '{"kind":"command","command":42,"pinned":false,"created_at":1}');
  insert.run("m", "history", 1, "json", '{"kind":"command","pinned":false,"created_at":1}');
  await a.add("last");
  await a.sync();
  await b.sync();
  expect(b.entries().map(({ command }) => command)).toEqual(["last", "first"]);
  expect(b.store.read.setAside.count()).toBe(6);
  expect(b.get(first.id)).not.toBeNull();
});
