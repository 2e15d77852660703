import { expect, test } from "vitest";
import type { Machine } from "../support/machine.ts";
import type { SqliteServer } from "../support/sqlite-executor.ts";
import { byHand, commands, expectAgreement, rounds, team, verify } from "./virtual-team.ts";

const BODY = '{"command":"odd","created_at":1,"kind":"command","pinned":false}';

/** A sound row as SQL; a test replaces some of it. */
const SOUND: Record<string, string> = {
  id: "'odd'",
  kind: "'history'",
  base_rev: "NULL",
  hlc: "'0000000000ff-0000-abcdefabcdef'",
  clocks: "NULL",
  scope: "'global'",
  user_id: "NULL",
  machine_id: "'z'",
  timestamp: "1",
  deleted_at: "NULL",
  purged_at: "NULL",
  last_editor: "'z'",
  schema: "1",
  key_id: "NULL",
  codec: "'json'",
  body: `'${BODY}'`,
  digest: "NULL",
  entry_kind: "'command'",
};

function insertOdd({ db }: SqliteServer, odd: Record<string, string>): void {
  const row = { ...SOUND, ...odd };
  db.exec(`INSERT INTO records (${Object.keys(row).join(", ")}) VALUES (${Object.values(row).join(", ")})`);
}

const HUGE = "9223372036854775807";
const ODD: Record<string, string>[] = [
  ...[
    "id",
    "kind",
    "machine_id",
    "last_editor",
    "hlc",
    "codec",
    "user_id",
    "key_id",
    "digest",
    "entry_kind",
  ].map((column) => ({ [column]: "X'00ff27'" })),
  { clocks: "X'7b7d'" },
  { body: "X'7b7d'" },
  ...["timestamp", "deleted_at", "purged_at", "schema", "base_rev"].flatMap((column) => [
    { [column]: "'soon'" },
    { [column]: "X'01'" },
    { [column]: HUGE },
    { [column]: "-1" },
    { [column]: "1.5" },
    { [column]: "1e300" },
  ]),
  { id: "NULL" },
  { id: "''" },
  { id: "17" },
  { body: "NULL" },
  { body: "17" },
  { clocks: "'[]'" },
  { clocks: "'null'" },
  { clocks: `'{"*":17}'` },
  { clocks: "''" },
  { hlc: "''" },
  { hlc: "'ffffffffffff-ffff-ffffffffffff'" },
  { kind: "'conflict'" },
  { codec: "'gzip'" },
  { codec: "'gzip'", body: "X'1f8b08'" },
  { body: `'{"command":"odd","created_at":1,"kind":"command","pinned":false,"exit_code":${HUGE}}'` },
  { body: `'{"command":"odd","created_at":1e400,"kind":"command","pinned":false}'` },
  { body: `'${'{"command":'.repeat(500)}1${"}".repeat(500)}'` },
];

/** That no odd row holds up anything on a machine. */
async function expectGoesOn(a: Machine, b: Machine): Promise<void> {
  await a.add("after");
  await rounds(a, b);
  expect(commands(b)).toEqual(expect.arrayContaining(["before", "after"]));
  for (const each of [a, b]) {
    expect(each.store.read.outbox.depth()).toBe(0);
    expect(await verify(each)).toBe("equal");
  }
}

test("whatever a hand puts into a new row: nobody stops, and the sides are equal", async () => {
  const { server, machine } = team();
  const [a, b] = [machine("a", { user: "ana" }), machine("b")];
  await a.add("before");
  await rounds(a, b);
  for (const [n, odd] of ODD.entries()) insertOdd(server, { id: `'odd ${n}'`, ...odd });
  await expectGoesOn(a, b);
  expect(b.store.read.setAside.count()).toBeGreaterThan(30);
  const fresh = machine("f", { pageSize: 3, maxAgeMs: 1e15 });
  await expectGoesOn(a, fresh);
});

test("whatever a hand makes of a row that is here: nobody stops, and unsent edits of it hold up nothing", async () => {
  const { server, machine } = team();
  const [a, b] = [machine("a"), machine("b")];
  await a.add("before");
  const entries = await a.recorder.recordAll(ODD.map((_, n) => ({ command: `made odd ${n}` })));
  await rounds(a, b);
  for (const [n, odd] of ODD.entries()) {
    if ("id" in odd) continue;
    const { id } = entries[n]!.stored.version;
    const set = Object.entries(odd).map(([column, value]) => `${column} = ${value}`);
    server.db.prepare(`UPDATE records SET ${set.join(", ")} WHERE id = ?`).run(id);
    await b.recorder.edit(id, { note: "unsent" });
  }
  await b.add("by b");
  await rounds(a, b);
  await a.add("after");
  await rounds(a, b);
  const fresh = machine("f");
  await fresh.sync();
  for (const each of [a, b, fresh]) {
    const { outbox } = each.store.read;
    expect(outbox.depth()).toBe(outbox.parked());
    expect(commands(each)).toEqual(expect.arrayContaining(["after", "before", "by b"]));
  }
});

test("a row with an odd name is left alone where others beside it are mended", async () => {
  const { server, machine } = team();
  const [a, b] = [machine("a"), machine("b")];
  await a.add("before");
  await a.sync();
  insertOdd(server, { id: "X'00ff27'" });
  await rounds(a, b);
  byHand(b, "DELETE FROM history WHERE command = 'before'");
  const found = { missing_here: 1, missing_there: 0, differing: 0 };
  const done = await b.reconcile({ reason: "asked", content: true, repair: true });
  expect(done).toMatchObject({ outcome: "mended", ...found });
  expect(commands(b)).toEqual(["before", "odd"]);
  await expectGoesOn(a, b);
});

test("a row that is mended is read again, by everyone", async () => {
  const { server, machine } = team();
  const [a, b] = [machine("a"), machine("b")];
  const { id } = await a.add("mended");
  await a.sync();
  insertOdd(server, { id: "'odd'", timestamp: "'soon'", body: "X'00'", kind: "X'01'" });
  await rounds(a, b);
  server.db.prepare("UPDATE records SET timestamp = 'soon', scope = 'machine' WHERE id = ?").run(id);
  await rounds(a, b);
  server.db.prepare("UPDATE records SET timestamp = 5, scope = 'global' WHERE id = ?").run(id);
  server.db
    .prepare("UPDATE records SET timestamp = 5, body = ?, kind = 'history' WHERE id = 'odd'")
    .run(BODY);
  await rounds(a, b);
  expect(commands(b)).toEqual(["mended", "odd"]);
  expect(b.store.read.setAside.count()).toBe(0);
  await expectAgreement(server, a, b);
});

test("odd nodes, marks and meta stop nobody either", async () => {
  const { server, machine } = team();
  const [a, b] = [machine("a"), machine("b")];
  await a.add("before");
  await rounds(a, b);
  server.db.exec(`INSERT INTO nodes (machine_id, incarnation, push_seq, last_push_id, first_seen, last_seen)
      VALUES (X'00', X'01', 'many', X'02', 'then', 'now');
    INSERT INTO meta VALUES ('odd', X'00'); UPDATE nodes SET hostname = X'00', queue_depth = 'deep'`);
  await expectGoesOn(a, b);
});
