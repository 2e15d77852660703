import { existsSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createRecorder, type Recorder } from "../../daemon/intake/recorder.ts";
import type { SyncRecord } from "../../daemon/core/record.ts";
import { addConflict } from "../support/conflicts.ts";
import { createTestStore, entryVersion, type TestStore } from "../support/store.ts";

const ID = "0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33";
const START = 1_700_000_000_000;

let files: TestStore;
let recorder: Recorder;
let now: number;
let notices: number;
beforeEach(() => {
  now = START;
  notices = 0;
  files = createTestStore({ now: () => now });
  recorder = createRecorder({
    write: files.store.write,
    machine: { id: "machine-a", hostname: "host-a" },
    user: "ana",
    newId: () => "made",
    now: () => now,
    onWritten: () => {
      notices += 1;
    },
  });
});
afterEach(() => {
  files.close();
});

const get = (id = ID, kind = "history") => files.store.read.records.get(kind, id);
const queued = () => files.store.read.outbox.first(1000).map(({ id }) => id);
const actions = () => files.store.read.audit.list({}, 100, null).events.map(({ action }) => action);
const refusedWith = (code: string) => expect.objectContaining({ name: "RecorderError", code });
async function acknowledge(rev: number): Promise<void> {
  await files.store.write.run((tx) => {
    tx.records.acknowledge("history", ID, tx.records.get("history", ID)!.version.hlc, rev);
    tx.outbox.remove(ID);
  });
}

const content = {
  command: "curl -u quixotic:zephyrian",
  response: "juxtaposed",
  note: "wildebeest",
  tags: ["kaleidoscope"],
  cwd: "/home/nightingale",
  session_id: "labyrinthine",
  shell: "fsh",
  context: { origin: "mnemonics" },
  exit_code: 7,
  duration_ms: 8,
  tokens_used: 9,
  pinned: true,
};
const WORDS = ["quixotic", "zephyrian", "juxtaposed", "wildebeest", "kaleidoscope", "nightingale"].concat([
  "labyrinthine",
  "mnemonics",
  "obfuscate",
  "bougainvillea",
  "ventriloquist",
  "haberdasher",
]);
const found = () =>
  WORDS.filter((word) =>
    ["", "-wal"].some((end) => existsSync(files.file + end) && readFileSync(files.file + end).includes(word)),
  );

describe("purging", () => {
  test("leaves no trace of the content in any file of the cache", async () => {
    await recorder.record({ id: ID, ...content });
    await acknowledge(4);
    // In the index, in a base, in a conflict and its base, and in a record that could not be read.
    await files.store.write.run((tx) => tx.searchIndex.catchUp(10));
    await recorder.edit(ID, { note: "obfuscate" });
    await addConflict(files.store, ID, {
      base: "bougainvillea",
      local: "ventriloquist",
      remote: "obfuscate",
    });
    await files.store.write.run((tx) => {
      const record = { id: ID, kind: "history", body: "haberdasher" } as unknown as SyncRecord;
      tx.setAside.put(record, 9, "newer", now);
    });
    expect(found()).toEqual(WORDS);
    expect(await files.store.search.search("obfuscate", everything, 10, now)).toHaveLength(1);

    await recorder.purge(ID);
    expect(found()).toEqual([]);
    expect(await files.store.search.search("obfuscate", everything, 10, now)).toEqual([]);
    expect(files.store.read.setAside.count()).toBe(0);
    files.store.close();
    expect(found()).toEqual([]);
  });

  test("keeps what says that something was here, and sends it", async () => {
    await recorder.record({ id: ID, ...content, scope: "user", timestamp: 5 });
    await acknowledge(4);
    await recorder.edit(ID, { note: "another" });
    const before = get()!;
    now += 10;
    expect(await recorder.purge(ID.toUpperCase())).toBe(START + 10);
    const { version, rev, base } = get()!;
    expect([rev, base]).toEqual([4, { purged_at: null }]);
    expect(version).toMatchObject({
      id: ID,
      machineId: "machine-a",
      fields: { scope: "user", user: "ana", timestamp: 5, created_at: START, purged_at: START + 10 },
    });
    for (const field of [...Object.keys(content), "hostname", "caused_by"]) {
      expect([field, version.fields[field]]).toEqual([
        field,
        field === "command" ? "" : field === "pinned" ? false : null,
      ]);
    }
    expect(version.hlc > before.version.hlc).toBe(true);
    expect(version.clocks).toMatchObject({ "*": before.version.clocks!["*"], command: version.hlc });
    expect([queued(), notices]).toEqual([[ID], 3]);
    expect(files.store.read.history.counts()).toEqual({ total: 0, pending: 0 });
  });

  test("of what the remote has never seen has no base", async () => {
    await recorder.record({ id: ID, ...content });
    await recorder.purge(ID);
    expect(get()).toMatchObject({ rev: null, base: null });
    expect(queued()).toEqual([ID]);
  });

  test("purges the conflicts of the entry, sent or not, settled or not, and no others", async () => {
    await recorder.record({ id: ID, command: "x" });
    await files.store.write.run((tx) => {
      tx.records.put({ version: entryVersion("other"), rev: 1, base: null });
    });
    const mine = [
      await addConflict(files.store, ID),
      await addConflict(files.store, ID, { rev: 7, raw: { resolved_at: 5, resolution: "local" } }),
    ];
    const others = await addConflict(files.store, "other", { rev: 8 });
    await recorder.purge(ID);
    const values = { base_value: null, local_value: null, remote_value: null, purged_at: START };
    expect(get(mine[0], "conflict")).toMatchObject({ rev: null, base: null, version: { fields: values } });
    expect(get(mine[1], "conflict")).toMatchObject({
      rev: 7,
      base: { purged_at: null },
      version: { fields: { ...values, resolution: "local" } },
    });
    expect(get(others, "conflict")).toMatchObject({
      rev: 8,
      base: null,
      version: { fields: { purged_at: null } },
    });
    expect(queued().toSorted()).toEqual([ID, ...mine].toSorted());
  });

  test("works on what is deleted, and is written down once", async () => {
    await recorder.record({ id: ID, command: "x" });
    await recorder.remove(ID);
    await recorder.purge(ID);
    now += 1000;
    expect(await recorder.purge(ID)).toBe(START);
    expect(actions()).toEqual(["purge", "delete"]);
    expect(notices).toBe(3);
  });

  test("again erases what has come up since", async () => {
    await recorder.record({ id: ID, command: "x" });
    await recorder.purge(ID);
    const late = await addConflict(files.store, ID, { rev: 5, local: "ventriloquist" });
    now += 1000;
    expect(await recorder.purge(ID)).toBe(START);
    expect(get(late, "conflict")?.version.fields).toMatchObject({ local_value: null, purged_at: START });
    expect([found(), notices]).toEqual([[], 3]);
  });

  test("of what is not there is refused", async () => {
    await expect(recorder.purge(ID)).rejects.toThrow(refusedWith("HD_NOT_FOUND"));
    expect(actions()).toEqual([]);
  });
});

describe("what is purged", () => {
  beforeEach(async () => {
    await recorder.record({ id: ID, command: "x" });
    await recorder.purge(ID);
  });

  test("is not there any more, and cannot be restored", async () => {
    expect(files.store.read.history.get(ID)).toBeNull();
    for (const change of [recorder.edit(ID, { note: "m" }), recorder.remove(ID), recorder.restore(ID)]) {
      await expect(change).rejects.toThrow(refusedWith("HD_NOT_FOUND"));
    }
  });

  test("does not come back by being recorded again, alone or with others", async () => {
    const again = { id: ID, command: "x" };
    await expect(recorder.record(again)).rejects.toThrow(refusedWith("HD_GONE"));
    await expect(recorder.recordAll([{ command: "new" }, again])).rejects.toThrow(refusedWith("HD_GONE"));
    expect([get()?.version.fields.command, get("made")]).toEqual(["", null]);
  });

  test("is dropped where it waited in the spool, and not kept as refused", async () => {
    const recorded = await files.store.write.run((tx) =>
      recorder.recordIn(tx, { id: ID, command: "x", timestamp: 1 }),
    );
    expect(recorded.created).toBe(false);
    expect(get()?.version.fields.command).toBe("");
  });
});

const everything = { mode: "hybrid" as const, viewer: { machineId: "machine-a", user: "ana" } };
