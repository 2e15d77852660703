import { expect, test } from "vitest";
import type { Reconciliation } from "../../client-lib/protocol/reconcile.ts";
import type { EngineEvent } from "../../daemon/core/events.ts";
import type { Machine } from "../support/machine.ts";
import type { RequestFault, SqliteServer } from "../support/sqlite-executor.ts";
import { byHand, commands, DAY, expectAgreement, keptValues, rounds, team } from "./virtual-team.ts";

const compare = (machine: Machine, content = true, repair = true): Promise<Reconciliation> =>
  machine.reconcile({ reason: "asked", content, repair });

/** Loses a row of the remote, as no statement of ours does. */
function lose({ db }: SqliteServer, id: string): void {
  db.prepare("INSERT INTO meta VALUES ('collecting', '1')").run();
  db.prepare("DELETE FROM records WHERE id = ?").run(id);
  db.prepare("DELETE FROM meta WHERE key = 'collecting'").run();
}

/** Changes a row of the remote without its triggers: the revision stays. */
function changeUnseen({ db }: SqliteServer, id: string, set: string): void {
  const sql = db
    .prepare("SELECT sql FROM sqlite_master WHERE name = 'records_updated'")
    .pluck()
    .get() as string;
  db.exec("DROP TRIGGER records_updated");
  db.prepare(`UPDATE records SET ${set} WHERE id = ?`).run(id);
  db.exec(sql);
}

/** What the log has of a comparison; how long it took is rounded there. */
function logged(machine: Machine): unknown {
  const { duration_ms: _, ...rest } = machine.store.read.reconciliations.list(1)[0]!;
  return rest;
}

/** Two machines with ten entries, the remote's first ten revisions. */
async function ten(
  onEvent: (event: EngineEvent) => void = () => undefined,
): Promise<ReturnType<typeof team> & { a: Machine; b: Machine; ids: string[] }> {
  const all = team();
  const [a, b] = [all.machine("a"), all.machine("b", { onEvent })];
  const ids: string[] = [];
  for (let n = 0; n < 10; n++) ids.push((await a.add(`number ${n}`)).id);
  await rounds(a, b);
  return { ...all, a, b, ids };
}

test("equal sides are found equal by one request after the cycle, and it is written down", async () => {
  const { server, b } = await ten();
  for (const content of [false, true]) {
    const before = server.requests.read + server.requests.write;
    const done = await compare(b, content);
    expect(done).toMatchObject({ outcome: "equal", compared: 10, mended: 0, requests: 1, content });
    expect(done.local).toEqual(done.remote);
    expect(server.requests.read + server.requests.write - before).toBe(2);
    expect(done).toMatchObject(logged(b) as object);
  }
});

test("a row lost here is fetched, and nothing else", async () => {
  let events: EngineEvent[] = [];
  const { b, ids, server, a } = await ten((event) => events.push(event));
  byHand(b, `DELETE FROM history WHERE id = '${ids[3]}'`);
  events = [];
  const found = { missing_here: 1, missing_there: 0, differing: 0 };
  // The sums, the revisions one by one, the record, and a second look after an exchange.
  const done = { outcome: "mended", ...found, mended: 1, requests: 5 };
  expect(await compare(b, false)).toMatchObject(done);
  expect(events).toEqual([
    { type: "entries", ids: [ids[3]] },
    { type: "reconciled", outcome: "mended" },
  ]);
  expect(b.get(ids[3]!)?.command).toBe("number 3");
  await expectAgreement(server, a, b);
});

test("a row that the remote lost is sent again, by whoever compares", async () => {
  const { server, a, b, ids } = await ten();
  lose(server, ids[3]!);
  expect(await compare(b, false)).toMatchObject({ outcome: "mended", missing_there: 1, mended: 1 });
  expect(server.db.prepare("SELECT rev FROM records WHERE id = ?").pluck().get(ids[3])).toBe(11);
  await rounds(a, b);
  await expectAgreement(server, a, b);
});

test("content that was damaged here shows where contents are compared, and is replaced", async () => {
  const { server, a, b, ids } = await ten();
  byHand(b, `UPDATE history SET command = 'damaged' WHERE id = '${ids[3]}'`);
  expect(await compare(b, false)).toMatchObject({ outcome: "equal" });
  expect(await compare(b)).toMatchObject({
    outcome: "mended",
    differing: 1,
    missing_here: 0,
    missing_there: 0,
  });
  expect(b.get(ids[3]!)?.command).toBe("number 3");
  await expectAgreement(server, a, b);
});

test("one revision, two versions: both are kept", async () => {
  const { server, a, b, ids } = await ten();
  const { machineId } = b.store.read.records.get("history", ids[3]!)!.version;
  expect(machineId).toBe("a");
  // Another life of the remote gave the same revision to an edit by another machine.
  const other = await ten();
  await other.b.recorder.edit(other.ids[3]!, { note: "of another life" });
  await other.b.sync();
  const row = other.server.db.prepare("SELECT body, digest FROM records WHERE id = ?").get(other.ids[3]) as {
    body: string;
    digest: string;
  };
  const stamp = server.db.prepare("SELECT hlc FROM records WHERE id = ?").pluck().get(ids[3]) as string;
  const hlc = `${stamp.slice(0, 13)}ffff-abcdefabcdef`;
  const set = `body = '${row.body}', digest = '${row.digest}', hlc = '${hlc}', clocks = '{"*":"${stamp}","note":"${hlc}"}'`;
  changeUnseen(server, ids[3]!, set);
  expect(await compare(b, false)).toMatchObject({ outcome: "equal" });
  expect(await compare(b)).toMatchObject({ outcome: "mended", differing: 1, mended: 1 });
  expect(b.get(ids[3]!)?.note).toBe("of another life");
  expect(keptValues(server)).toEqual([]);
  await compare(a);
  await rounds(a, b);
  await expectAgreement(server, a, b);
});

test("edits that come up between question and answer are no difference", async () => {
  const { server, a, ids, machine } = await ten();
  let edits = 0;
  const b: Machine = machine("c", {
    remote: server.connect(async (mode) => {
      if (edits > 0 && mode === "read") await b.recorder.edit(ids[3]!, { note: `edit ${edits++}` });
      return null;
    }),
  });
  await b.sync();
  edits = 1;
  expect(await compare(b)).toMatchObject({ outcome: "equal" });
  edits = 0;
  expect(b.store.read.outbox.depth()).toBe(1);
  await rounds(b, a);
  await expectAgreement(server, a, b);
});

test("a newer version that was set aside, beside the older one, is no difference", async () => {
  const { server, b, ids, now } = await ten();
  const hlc = `${now().toString(16).padStart(12, "0")}-00ff-abcdefabcdef`;
  server.db
    .prepare("UPDATE records SET schema = 99, base_rev = rev, hlc = ?, last_editor = 'z' WHERE id = ?")
    .run(hlc, ids[3]);
  await b.sync();
  expect(b.store.read.setAside.count()).toBe(1);
  expect(b.get(ids[3]!)?.command).toBe("number 3");
  for (const content of [false, true]) expect(await compare(b, content)).toMatchObject({ outcome: "equal" });
});

test("what was set aside is compared only while it is selected: by its age, and by its kind", async () => {
  const { server, a, open, pass, ids, now, machine } = await ten();
  const c = machine("c", { maxAgeMs: 30 * DAY, kinds: ["command"] });
  const hlc = `${now().toString(16).padStart(12, "0")}-00ff-abcdefabcdef`;
  server.db
    .prepare("UPDATE records SET schema = 99, base_rev = rev, hlc = ?, last_editor = 'z' WHERE id = ?")
    .run(hlc, ids[3]);
  await rounds(a, c);
  expect(c.store.read.setAside.count()).toBe(1);
  expect(await compare(c)).toMatchObject({ outcome: "equal", compared: 10 });
  pass(40 * DAY);
  expect(await compare(c)).toMatchObject({ outcome: "equal", compared: 0 });
  c.close();
  const chats = open(c.home, { kinds: ["chat"] });
  await chats.sync();
  expect(await compare(chats)).toMatchObject({ outcome: "equal", compared: 0 });
});

test("rows inserted by hand, without a digest or with one that is none, are no difference", async () => {
  const { server, b, a } = await ten();
  const body = '{"command":"by hand","created_at":1,"kind":"command","pinned":false}';
  const digests = [null, "none", "Z".repeat(64), "ABCDEF".repeat(10) + "ABCD", "0".repeat(64), ""];
  for (const [n, digest] of digests.entries()) {
    server.db
      .prepare(
        `INSERT INTO records (id, kind, hlc, scope, machine_id, timestamp, last_editor, schema, codec, body, digest)
         VALUES (?, 'history', ?, 'global', 'hand', 1, 'hand', 1, 'json', ?, ?)`,
      )
      .run(`hand ${n}`, `00000000000${n}-0000-abcdefabcdef`, body, digest);
  }
  await rounds(a, b);
  expect(commands(b)).toHaveLength(11);
  expect(b.store.read.setAside.count()).toBe(5);
  for (const content of [false, true]) expect(await compare(b, content)).toMatchObject({ outcome: "equal" });
});

test("thousands that differ are mended in few requests, and only they are fetched", async () => {
  const { server, machine } = team();
  const [a, b] = [machine("a", { batchSize: 1000 }), machine("b")];
  const entries = Array.from({ length: 3000 }, (_, n) => ({ command: `number ${n}` }));
  const recorded = await a.recorder.recordAll(entries);
  await a.sync();
  await b.sync();
  byHand(b, "DELETE FROM history WHERE rev % 5 < 3");
  for (const { stored } of recorded.slice(0, 20)) lose(server, stored.version.id);
  const fetched = server.db.prepare("SELECT count(*) FROM records WHERE rev % 5 < 3").pluck().get() as number;
  const done = await compare(b);
  expect(done).toMatchObject({ outcome: "mended", missing_here: fetched, differing: 0 });
  // Some of those that the remote lost are lost here too.
  expect(done.missing_there).toBeLessThan(20);
  expect(done.mended).toBe(fetched + done.missing_there);
  expect(done.requests).toBeLessThan(3 + Math.ceil(done.mended / 200) + 5);
  expect(await compare(a)).toMatchObject({ outcome: "mended" });
  await rounds(a, b);
  expect(b.entries()).toHaveLength(3000);
  await expectAgreement(server, a, b);
});

test("where nothing is to be repaired nothing changes, on either side", async () => {
  const { server, b, ids } = await ten();
  byHand(
    b,
    `DELETE FROM history WHERE id = '${ids[3]}'; UPDATE history SET note = 'x' WHERE id = '${ids[4]}'`,
  );
  lose(server, ids[5]!);
  const state = (): unknown => [b.entries(), server.db.prepare("SELECT * FROM records").all()];
  const before = state();
  const done = await compare(b, true, false);
  expect(done).toMatchObject({
    outcome: "differs",
    missing_here: 1,
    missing_there: 1,
    differing: 1,
    mended: 0,
  });
  expect(state()).toEqual(before);
  expect(b.store.read.outbox.depth()).toBe(0);
  expect(done).toMatchObject(logged(b) as object);
});

test("one that fails is written down as well", async () => {
  const { server, b, open } = await ten();
  b.close();
  const faults: RequestFault[] = [];
  const again = open(b.home, { remote: server.connect(() => faults.shift() ?? null) });
  await again.sync();
  faults.push(null, "drop-answer");
  await expect(compare(again)).rejects.toThrow("injected");
  expect(logged(again)).toMatchObject({ outcome: "failed", error: expect.stringContaining("injected") });
  expect(await compare(again)).toMatchObject({ outcome: "equal" });
});
