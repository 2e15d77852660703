import { expect, test } from "vitest";
import { versionToRecord } from "../../daemon/core/record.ts";
import type { Machine } from "../support/machine.ts";
import type { RequestFault, SqliteServer } from "../support/sqlite-executor.ts";
import { DAY, expectAgreement, isInFiles, rounds, team } from "./virtual-team.ts";

const WORD = "hunter2";

/** The word is nowhere: not in the caches' files, their search indexes, nor in a row of the remote. */
async function expectErased({ db }: SqliteServer, id: string, ...machines: Machine[]): Promise<void> {
  const rows = ["records", "nodes", "meta"].map((table) => db.prepare(`SELECT * FROM ${table}`).all());
  expect(JSON.stringify(rows)).not.toContain(WORD);
  expect(db.prepare("SELECT purged_at IS NOT NULL FROM records WHERE id = ?").pluck().get(id)).toBe(1);
  for (const machine of machines) {
    expect(machine.get(id)).toBeNull();
    const filter = { mode: "hybrid", viewer: { machineId: machine.id, user: null } } as const;
    expect(await machine.store.search.search(WORD, filter, 10, Date.now())).toEqual([]);
    expect(isInFiles(WORD, machine)).toBe(false);
  }
}

/**
 * Two machines that have an entry with the word in it, in their search indexes as well.
 * @param faults of what b writes to the remote from then on
 */
async function shared(
  faults: RequestFault[] = [],
): Promise<ReturnType<typeof team> & { a: Machine; b: Machine; id: string }> {
  const all = team();
  let armed: RequestFault[] = [];
  const remote = all.server.connect((mode) => (mode === "write" ? (armed.shift() ?? null) : null));
  const [a, b] = [all.machine("a"), all.machine("b", { remote })];
  const { id } = await a.add(`login ${WORD}`, { note: `it is ${WORD}` });
  await rounds(a, b);
  for (const each of [a, b]) {
    const filter = { mode: "hybrid", viewer: { machineId: each.id, user: null } } as const;
    expect(await each.store.search.search(WORD, filter, 10, all.now())).toHaveLength(1);
  }
  armed = faults;
  return { ...all, a, b, id };
}

test("a purge reaches the others at their next pull, and nothing is left in any file", async () => {
  const { server, a, b, id } = await shared();
  expect(isInFiles(WORD, b)).toBe(true);
  await a.recorder.purge(id);
  expect(isInFiles(WORD, a)).toBe(false);
  await a.sync();
  await b.sync();
  await expectErased(server, id, a, b);
  await expectAgreement(server, a, b);
});

test("it wins over an edit, a delete and a restore that were not sent yet", async () => {
  for (const meanwhile of ["edit", "delete", "restore"]) {
    const { server, a, b, id } = await shared();
    if (meanwhile === "edit") await b.recorder.edit(id, { note: `still ${WORD}` });
    else await b.recorder.remove(id);
    if (meanwhile === "restore") {
      await rounds(b, a);
      await b.recorder.restore(id);
    }
    await a.recorder.purge(id);
    await a.sync();
    await b.sync();
    await rounds(a, b);
    await expectErased(server, id, a, b);
    await expectAgreement(server, a, b);
  }
});

test("it wins over an edit that reached the remote before it", async () => {
  const { server, a, b, id } = await shared();
  await a.recorder.purge(id);
  await b.recorder.edit(id, { note: `still ${WORD}`, pinned: true });
  await b.sync();
  await a.sync();
  expect(server.db.prepare("SELECT count(*) FROM records WHERE kind = 'conflict'").pluck().get()).toBe(0);
  await b.sync();
  await expectErased(server, id, a, b);
  await expectAgreement(server, a, b);
});

test("it wins over a restore that reached the remote before it", async () => {
  const { server, a, b, id } = await shared();
  await a.recorder.remove(id);
  await rounds(a, b);
  await a.recorder.purge(id);
  await b.recorder.restore(id);
  await b.sync();
  await rounds(a, b);
  await expectErased(server, id, a, b);
  await expectAgreement(server, a, b);
});

/** Both edited the note, unsent; the later one is b's. */
async function clash({ a, b, id, pass }: Awaited<ReturnType<typeof shared>>): Promise<void> {
  await a.recorder.edit(id, { note: `${WORD} of a` });
  pass(1000);
  await b.recorder.edit(id, { note: `${WORD} of b` });
}

test("it erases the values that conflicts keep", async () => {
  const all = await shared();
  const { server, a, b, id } = all;
  await clash(all);
  await rounds(a, b);
  expect(a.store.read.records.conflictsOf(id)).toHaveLength(1);
  await a.recorder.purge(id);
  await rounds(a, b);
  await expectErased(server, id, a, b);
  await expectAgreement(server, a, b);
});

test("it erases those of a conflict that arrives after it, of which its maker never hears again", async () => {
  const all = await shared([null, "drop-request"]);
  const { server, machine, a, b, id } = all;
  await clash(all);
  await a.sync();
  await expect(b.sync()).rejects.toThrow("injected");
  const [kept] = b.store.read.records.conflictsOf(id);
  await a.recorder.purge(id);
  await a.sync();
  const arriving = versionToRecord(kept!.version, 2, null);
  const { rev: _, ...columns } = arriving;
  const names = Object.keys(columns);
  server.db
    .prepare(
      `INSERT INTO records (${names.join(", ")}) VALUES (${names.map((name) => `@${name}`).join(", ")})`,
    )
    .run(columns);
  await a.sync();
  await expectErased(server, id, a);
  const c = machine("c");
  await rounds(a, c);
  await expectErased(server, id, a, c);
  await expectAgreement(server, a, c);
  await rounds(b, a, c);
  await expectErased(server, id, a, b, c);
  await expectAgreement(server, a, b, c);
});

test("it erases a conflict that only one machine may see", async () => {
  const all = team();
  const a = all.machine("a", { user: "ana" });
  const bob = all.machine("b", { user: "bob" });
  const { id } = await a.add("shared");
  await rounds(a, bob);
  await bob.recorder.edit(id, { note: `bob knows ${WORD}` });
  await a.recorder.edit(id, { scope: "user" });
  await a.sync();
  await bob.sync();
  expect(isInFiles(WORD, bob)).toBe(true);
  await a.recorder.purge(id);
  await a.sync();
  await bob.sync();
  await expectErased(all.server, id, a, bob);
});

test("it erases the value that an unsent edit started from", async () => {
  const { server, a, b, id } = await shared();
  await b.recorder.edit(id, { command: "login", note: null });
  expect(b.store.read.records.get("history", id)?.base).toMatchObject({ note: `it is ${WORD}` });
  await a.recorder.purge(id);
  await a.sync();
  await b.sync();
  await expectErased(server, id, a, b);
});

const NEWER = `hlc = printf('%012x-0000-abcdefabcdef', hex.ms), base_rev = rev, schema = 99, last_editor = 'z'`;

/** A newer historyd edits the entry, in a shape that nobody here knows. */
function editedByNewer({ server, now }: ReturnType<typeof team>, id: string, set: string): void {
  server.db
    .prepare(`UPDATE records SET ${NEWER}, ${set} FROM (SELECT ? AS ms) AS hex WHERE id = ?`)
    .run(now(), id);
}

test("it erases what was set aside, and a purge in a newer shape erases too", async () => {
  const all = await shared();
  const { server, a, b, id, pass } = all;
  pass(1000);
  editedByNewer(all, id, `body = '{"secret":"${WORD}"}', digest = 'x'`);
  await rounds(a, b);
  expect(b.store.read.setAside.count()).toBe(1);
  pass(1000);
  editedByNewer(all, id, `purged_at = ${all.now()}, body = '{}'`);
  await rounds(a, b);
  await expectErased(server, id, a, b);
});

test("it erases what was set aside, by a machine that cannot read it either", async () => {
  const all = await shared();
  const { server, a, b, id, pass } = all;
  pass(1000);
  editedByNewer(all, id, `body = '{"secret":"${WORD}"}', digest = 'x'`);
  await rounds(a, b);
  await a.recorder.purge(id);
  await rounds(a, b);
  await expectErased(server, id, a, b);
  await expectAgreement(server, a, b);
});

test("a purge in a newer shape erases a copy that could never be read here", async () => {
  const all = team();
  const [a, b] = [all.machine("a"), all.machine("b")];
  const { id } = await a.add(`login ${WORD}`);
  await a.sync();
  editedByNewer(all, id, "key_id = NULL");
  await b.sync();
  expect(b.store.read.setAside.count()).toBe(1);
  expect(isInFiles(WORD, b)).toBe(true);
  all.pass(1000);
  editedByNewer(all, id, `purged_at = ${all.now()}, body = '{}'`);
  await b.sync();
  await expectErased(all.server, id, b);
});

test("a purge made offline, of an entry that was never sent, leaves nothing but its name", async () => {
  const { server, machine } = team();
  const [a, b] = [machine("a"), machine("b")];
  const { id } = await a.add(`login ${WORD}`);
  await a.recorder.purge(id);
  await rounds(a, b);
  await expectErased(server, id, a, b);
  await expect(b.add("again", { id })).rejects.toMatchObject({ code: "HD_GONE" });
});

test("a purge of what was collected meanwhile arrives", async () => {
  const { server, a, b, id, pass } = await shared();
  await b.recorder.remove(id);
  await b.sync();
  pass(91 * DAY);
  await b.sync();
  expect(server.db.prepare("SELECT count(*) FROM records").pluck().get()).toBe(0);
  await a.recorder.purge(id);
  await rounds(a, b);
  await expectErased(server, id, a, b);
  await expectAgreement(server, a, b);
});

test("the remote lets nobody undo a purge, nor fill it again, by SQL", async () => {
  const { server, a, id } = await shared();
  await a.recorder.purge(id);
  await a.sync();
  for (const set of ["purged_at = NULL", `body = '{"command":"${WORD}"}'`]) {
    expect(() => server.db.prepare(`UPDATE records SET ${set} WHERE id = ?`).run(id)).toThrow("HD_PURGED");
  }
});
