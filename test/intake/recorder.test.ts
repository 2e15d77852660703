import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RESTORE_WINDOW_MS } from "../../client-lib/protocol/limits.ts";
import type { NewEntry } from "../../client-lib/protocol/entry.ts";
import { createRecorder, type Recorder } from "../../daemon/intake/recorder.ts";
import { storedToEntry } from "../../daemon/store/history-row.ts";
import { createTestStore, type TestStore } from "../support/store.ts";

const ID = "0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33";
const START = 1_700_000_000_000;

let files: TestStore;
let recorder: Recorder;
let now: number;
/** How often sync was told that there is something to send. */
let notices: number;
beforeEach(() => {
  now = START;
  notices = 0;
  let serial = 0;
  files = createTestStore({ now: () => now });
  recorder = createRecorder({
    write: files.store.write,
    machine: { id: "machine-a", hostname: "host-a" },
    user: "ana",
    newId: () => `made-${(serial += 1)}`,
    now: () => now,
    onWritten: () => {
      notices += 1;
    },
  });
});
afterEach(() => {
  files.close();
});

const get = (id: string) => files.store.read.history.get(id);
const queued = () => files.store.read.outbox.first(1000).map(({ id }) => id);
const refusedWith = (code: string) => expect.objectContaining({ name: "RecorderError", code });

/** As if the remote had acknowledged what is there. */
async function acknowledge(id: string, rev: number): Promise<void> {
  await files.store.write.run((tx) => {
    const { version } = tx.records.get("history", id)!;
    tx.records.acknowledge("history", id, version.hlc, rev);
    tx.outbox.remove(id);
  });
}

describe("recording", () => {
  test("fills in what the client left out", async () => {
    const { stored, created } = await recorder.record({ command: "ls" });
    expect(created).toBe(true);
    expect(get("made-1")).toEqual({
      id: "made-1",
      kind: "command",
      command: "ls",
      response: null,
      scope: "global",
      user: "ana",
      machine_id: "machine-a",
      hostname: "host-a",
      session_id: null,
      cwd: null,
      shell: null,
      exit_code: null,
      timestamp: START,
      duration_ms: null,
      tokens_used: null,
      tags: [],
      note: null,
      pinned: false,
      context: {},
      caused_by: null,
      created_at: START,
      updated_at: START,
      deleted_at: null,
      last_editor: "machine-a",
      rev: null,
      sync: "pending",
    });
    expect(storedToEntry(stored)).toEqual(get("made-1"));
    expect([queued(), notices]).toEqual([["made-1"], 1]);
  });

  test("keeps everything the client said", async () => {
    const entry: Required<NewEntry> = {
      id: ID,
      kind: "chat",
      command: "por quê?",
      response: "porque sim",
      scope: "user",
      user: null,
      session_id: "s",
      cwd: "/",
      shell: "zsh",
      exit_code: 1,
      timestamp: 5,
      duration_ms: 6,
      tokens_used: 7,
      tags: ["b", "a"],
      note: "n",
      pinned: true,
      context: { a: [1, { b: null }] },
      caused_by: ID,
    };
    await recorder.record(entry);
    expect(get(ID)).toMatchObject({ ...entry, created_at: START });
  });

  test("of many at once is all or nothing, in their order", async () => {
    await recorder.record({ id: ID, command: "one" });
    const taken = recorder.recordAll([
      { command: "two" },
      { id: ID, command: "another" },
      { command: "three" },
    ]);
    await expect(taken).rejects.toThrow(refusedWith("HD_ID_TAKEN"));
    expect(queued()).toEqual([ID]);

    const all = await recorder.recordAll([
      { command: "two" },
      { id: ID, command: "one" },
      { command: "three" },
    ]);
    expect(all.map(({ stored, created }) => [stored.version.fields.command, created])).toEqual([
      ["two", true],
      ["one", false],
      ["three", true],
    ]);
    expect(notices).toBe(2);
  });

  test("the same entry twice in one batch stores it once", async () => {
    const entry = { id: ID, command: "one" };
    const all = await recorder.recordAll([entry, entry]);
    expect(all.map(({ created }) => created)).toEqual([true, false]);
    expect(queued()).toEqual([ID]);
  });
});

describe("a request sent again", () => {
  const entry: NewEntry = {
    id: ID,
    command: "ls",
    tags: [],
    context: { b: 1, a: 2 },
    exit_code: 0,
    note: "n",
  };

  test("changes nothing, and is answered with what is there", async () => {
    await recorder.record(entry);
    const before = files.store.read.records.get("history", ID);
    now += 1000;
    const again = await recorder.record({ ...entry, id: ID.toUpperCase(), context: { a: 2, b: 1 } });
    expect(again).toEqual({ stored: before, created: false });
    expect(files.store.read.records.get("history", ID)).toEqual(before);
    expect([queued(), notices]).toEqual([[ID], 1]);
  });

  test("is still accepted after the entry was sent, edited, deleted and restored", async () => {
    await recorder.record(entry);
    await acknowledge(ID, 4);
    await recorder.edit(ID, { command: "ls -l", tags: ["x"] });
    expect((await recorder.record(entry)).stored.version.fields.command).toBe("ls -l");
    await recorder.remove(ID);
    expect((await recorder.record(entry)).created).toBe(false);
    await recorder.restore(ID);
    expect((await recorder.record(entry)).created).toBe(false);
    expect(get(ID)).toMatchObject({ command: "ls -l", tags: ["x"], note: "n" });
  });

  test.each<Partial<NewEntry>>([
    { command: "ls -l" },
    { exit_code: 1 },
    { exit_code: null },
    { tags: ["x"] },
    { context: { a: 2 } },
    { note: null },
    { response: "new" },
    { timestamp: 1 },
    { user: "rui" },
    { pinned: true },
  ])("with other content is refused, and nothing changes: %j", async (change) => {
    await recorder.record(entry);
    await expect(recorder.record({ ...entry, ...change })).rejects.toThrow(refusedWith("HD_ID_TAKEN"));
    expect(get(ID)).toMatchObject({ command: "ls", note: "n", tags: [] });
    expect(notices).toBe(1);
  });

  test("with other content in a field that was not edited is refused after an edit of another", async () => {
    await recorder.record(entry);
    await recorder.edit(ID, { tags: ["x"] });
    await expect(recorder.record({ ...entry, command: "pwd" })).rejects.toThrow(refusedWith("HD_ID_TAKEN"));
  });
});

describe("editing", () => {
  test("replaces the given fields, stamps them, and queues the entry", async () => {
    await recorder.record({ id: ID, command: "ls", tags: ["a"], note: "n" });
    await acknowledge(ID, 4);
    now += 10;
    const stored = await recorder.edit(ID, { tags: [], note: "m", pinned: true });
    expect(stored).toEqual(files.store.read.records.get("history", ID));
    const { version, rev, base } = stored;
    expect([rev, base]).toEqual([4, { tags: ["a"], note: "n", pinned: false }]);
    expect(version.fields).toMatchObject({ tags: null, note: "m", pinned: true, command: "ls" });
    const [created, edited] = [version.clocks?.["*"] ?? "", version.hlc];
    expect(version.clocks).toEqual({ "*": created, tags: edited, note: edited, pinned: edited });
    expect(edited > created).toBe(true);
    expect(get(ID)).toMatchObject({ updated_at: START + 10, created_at: START, sync: "pending", rev: 4 });
    expect([queued(), notices]).toEqual([[ID], 2]);
  });

  test("keeps as base what the remote has, through any number of edits", async () => {
    await recorder.record({ id: ID, command: "ls", note: "n" });
    await acknowledge(ID, 4);
    await recorder.edit(ID, { note: "m" });
    await recorder.edit(ID, { note: "o", command: "pwd" });
    expect(files.store.read.records.get("history", ID)?.base).toEqual({ note: "n", command: "ls" });
  });

  test("has no base before the remote has the entry", async () => {
    await recorder.record({ id: ID, command: "ls" });
    expect((await recorder.edit(ID, { note: "m" })).base).toBeNull();
  });

  test("to what is there already writes nothing", async () => {
    await recorder.record({ id: ID, command: "ls", tags: ["a"] });
    await acknowledge(ID, 4);
    const before = files.store.read.records.get("history", ID);
    now += 10;
    expect(await recorder.edit(ID, { command: "ls", tags: ["a"], note: null })).toEqual(before);
    expect([queued(), notices]).toEqual([[], 1]);
  });

  test("what is not there, purged or deleted is refused", async () => {
    await expect(recorder.edit(ID, { note: "m" })).rejects.toThrow(refusedWith("HD_NOT_FOUND"));
    await recorder.record({ id: ID, command: "ls" });
    await recorder.remove(ID);
    await expect(recorder.edit(ID, { note: "m" })).rejects.toThrow(refusedWith("HD_DELETED"));
    await files.store.write.run((tx) => {
      const stored = tx.records.get("history", ID)!;
      const fields = { ...stored.version.fields, purged_at: 5 };
      tx.records.put({ ...stored, version: { ...stored.version, fields } });
    });
    for (const change of [recorder.edit(ID, { note: "m" }), recorder.remove(ID), recorder.restore(ID)]) {
      await expect(change).rejects.toThrow(refusedWith("HD_NOT_FOUND"));
    }
  });

  test("finds an id in either case", async () => {
    await recorder.record({ id: ID.toUpperCase(), command: "ls" });
    await recorder.edit(ID.toUpperCase(), { note: "m" });
    expect(get(ID)).toMatchObject({ id: ID, note: "m" });
  });
});

describe("deleting and restoring", () => {
  beforeEach(async () => {
    await recorder.record({ id: ID, command: "ls" });
    await acknowledge(ID, 4);
  });

  test("marks the entry and queues it; again changes nothing", async () => {
    now += 10;
    await recorder.remove(ID);
    now += 10;
    await recorder.remove(ID);
    expect(get(ID)).toMatchObject({ deleted_at: START + 10, updated_at: START + 10 });
    expect([queued(), notices]).toEqual([[ID], 2]);
  });

  test("is undone to the last moment of the window, and no later", async () => {
    await recorder.remove(ID);
    now += RESTORE_WINDOW_MS + 1;
    await expect(recorder.restore(ID)).rejects.toThrow(refusedWith("HD_RESTORE_EXPIRED"));
    expect(get(ID)?.deleted_at).toBe(START);
    now -= 1;
    await recorder.restore(ID);
    expect(get(ID)).toMatchObject({ deleted_at: null, sync: "pending" });
  });

  test("of what is not deleted changes nothing", async () => {
    await recorder.restore(ID);
    expect([queued(), notices]).toEqual([[], 1]);
  });
});

describe("the audit", () => {
  const events = () => files.store.read.audit.list({}, 100, null).events;

  test("names what was changed and by whom, and no value", async () => {
    await recorder.record({ id: ID, command: "ls", note: "secret" });
    await recorder.recordAll([{ command: "pwd" }]);
    expect(events()).toEqual([]);
    now += 1;
    await recorder.edit(ID, { tags: ["secret"], note: "another secret" });
    now += 1;
    await recorder.remove(ID);
    now += 1;
    await recorder.restore(ID);
    const by = { record_kind: "history", record_id: ID, machine_id: "machine-a", user: "ana" };
    expect(events()).toEqual([
      { seq: 3, at: START + 3, action: "restore", ...by, details: {} },
      { seq: 2, at: START + 2, action: "delete", ...by, details: {} },
      { seq: 1, at: START + 1, action: "edit", ...by, details: { fields: ["tags", "note"] } },
    ]);
    expect(JSON.stringify(events())).not.toContain("secret");
  });

  test("has only the fields that changed, and nothing where none did", async () => {
    await recorder.record({ id: ID, command: "ls", note: "n" });
    await recorder.edit(ID, { command: "ls", note: "m" });
    await recorder.edit(ID, { note: "m" });
    await recorder.restore(ID);
    await recorder.remove(ID);
    await recorder.remove(ID);
    expect(events().map(({ action, details }) => [action, details])).toEqual([
      ["delete", {}],
      ["edit", { fields: ["note"] }],
    ]);
  });

  test("has nothing of what was refused", async () => {
    await recorder.edit(ID, { note: "m" }).catch(() => undefined);
    await recorder.record({ id: ID, command: "ls" });
    await recorder.remove(ID);
    await recorder.edit(ID, { note: "m" }).catch(() => undefined);
    expect(events().map(({ action }) => action)).toEqual(["delete"]);
  });
});
