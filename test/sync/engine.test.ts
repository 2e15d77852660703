import { afterEach, expect, onTestFinished, test } from "vitest";
import type { PulledRecord } from "../../daemon/remote/remote.ts";
import type { RequestFault, SqliteServer } from "../support/sqlite-executor.ts";
import { createSqliteServer } from "../support/sqlite-executor.ts";
import { createMachine, type Machine, type MachineOptions } from "../support/machine.ts";
import { tempDir } from "../support/temp.ts";

const machines: Machine[] = [];
afterEach(() => {
  for (const one of machines.splice(0)) one.close();
});

function machine(
  server: SqliteServer,
  id: string,
  options: Partial<MachineOptions> = {},
  faults: RequestFault[] = [],
): Machine {
  // Faults take effect one request after another, so that a test says "the second one is lost".
  const created = createMachine({ id, remote: server.connect(() => faults.shift() ?? null), ...options });
  machines.push(created);
  return created;
}

/** What two machines must agree on: everything but what is each one's own view. */
function content(of: Machine): unknown {
  return of.entries().map(({ sync: _sync, ...entry }) => entry);
}

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

/** Runs something once, when this machine has built its push and before the server sees it. */
function atFirstWrite(work: () => Promise<unknown>): (mode: "read" | "write") => Promise<null> {
  let done = false;
  return async (mode) => {
    if (mode === "write" && !done) {
      done = true;
      await work();
    }
    return null;
  };
}

test("another machine is first: refused, merged, sent again, nothing lost", async () => {
  const server = createSqliteServer();
  const b = machine(server, "b");
  let id = "";
  let between: () => Promise<unknown> = () => Promise.resolve();
  const a = machine(server, "a", { remote: server.connect(atFirstWrite(() => between())) });
  await b.sync();
  id = (await b.add("make")).id;
  const other = await b.add("other");
  await b.sync();
  await a.sync();
  await a.recorder.edit(id, { note: "from a", pinned: true });
  between = async () => {
    await b.recorder.edit(id, { note: "from b" });
    await b.recorder.edit(other.id, { note: "unrelated" });
    await b.sync();
  };
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
  const a = machine(server, "a", {
    remote: server.connect(
      atFirstWrite(async () => {
        await b.add("in between");
        await b.sync();
      }),
    ),
  });
  await a.add("from a");
  await a.sync();
  await a.sync();
  expect(new Set(a.entries().map(({ command }) => command))).toEqual(new Set(["in between", "from a"]));
});

test("an edit while the answer is on its way back is not taken for acknowledged", async () => {
  const server = createSqliteServer();
  let id = "";
  let writes = 0;
  const a: Machine = machine(server, "a", {
    remote: server.connect(undefined, async (mode) => {
      // The first write is the migration.
      if (mode === "write" && ++writes === 2) await a.recorder.edit(id, { note: "meanwhile" });
    }),
  });
  await a.sync();
  ({ id } = await a.add("first"));
  expect(await a.sync()).toMatchObject({ uploaded: 2, conflicts: 0 });
  const b = machine(server, "b");
  await b.sync();
  expect(b.get(id)).toMatchObject({ command: "first", note: "meanwhile" });
  expect(content(b)).toEqual(content(a));
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

test("an edit never creates a row that the remote has collected", async () => {
  const server = createSqliteServer();
  const a = machine(server, "a");
  const { id } = await a.add("gone");
  await a.sync();
  server.db.exec("INSERT INTO meta VALUES ('collecting', '1'); DELETE FROM records");
  await a.recorder.edit(id, { note: "too late" });
  const other = await a.add("goes on");
  expect(await a.sync()).toMatchObject({ uploaded: 1 });
  expect(server.db.prepare("SELECT id FROM records").pluck().all()).toEqual([other.id]);
  expect(a.get(id)).toMatchObject({ note: "too late", sync: "pending" });
  expect([a.store.read.outbox.depth(), a.store.read.outbox.parked()]).toEqual([1, 1]);
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
    tx.setAside.put({ ...sent, id: "00000000-0000-7000-8000-00000000ffff", body }, 2, "a test", 1);
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

test("a row edited by hand wins over an earlier local edit of a field that was edited before", async () => {
  const server = createSqliteServer();
  let time = 1_000_000;
  const a = machine(server, "a", { now: () => time });
  const { id } = await a.add("make");
  await a.recorder.edit(id, { note: "one" });
  await a.sync();
  time += 1000;
  await a.recorder.edit(id, { note: "two" });
  // By hand, later: the server's clock is the real one, decades past the test's.
  server.db.prepare("UPDATE records SET body = json_set(body, '$.note', 'by hand') WHERE id = ?").run(id);
  expect(await a.sync()).toMatchObject({ conflicts: 1 });
  expect(a.get(id)).toMatchObject({ note: "by hand", sync: "synced" });
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

test("the remote refuses DELETE", async () => {
  const server = createSqliteServer();
  const a = machine(server, "a");
  await a.add("kept");
  await a.sync();
  expect(() => server.db.exec("DELETE FROM records")).toThrow(/HD_NO_DELETE/);
});

test("a replaced remote, an older remote and a newer protocol are refused by name, and nothing is changed", async () => {
  const server = createSqliteServer();
  const a = machine(server, "a");
  await a.add("one");
  await a.sync();
  await a.add("two");
  const before = content(a);

  const epoch = server.db.prepare("SELECT value FROM meta WHERE key = 'epoch'").pluck().get();
  server.db.exec("UPDATE meta SET value = 'another' WHERE key = 'epoch'");
  await expect(a.sync()).rejects.toMatchObject({ kind: "guard", code: "HD_EPOCH" });
  server.db.prepare("UPDATE meta SET value = ? WHERE key = 'epoch'").run(epoch);

  server.db.exec("UPDATE seq SET value = 0");
  await expect(a.sync()).rejects.toMatchObject({ kind: "guard", code: "HD_AHEAD" });
  server.db.exec("UPDATE seq SET value = 1");

  server.db.exec("UPDATE meta SET value = '2' WHERE key = 'min_protocol'");
  await expect(a.sync()).rejects.toMatchObject({ kind: "guard", code: "HD_PROTO" });
  server.db.exec("UPDATE meta SET value = '1' WHERE key = 'min_protocol'");

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
  ]);
});
