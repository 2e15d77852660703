import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Resolution } from "../../client-lib/protocol/conflict.ts";
import { RESTORE_WINDOW_MS } from "../../client-lib/protocol/limits.ts";
import type { Fields } from "../../daemon/core/record.ts";
import { createRecorder, type Recorder } from "../../daemon/intake/recorder.ts";
import { addConflict, type ConflictOptions } from "../support/conflicts.ts";
import { createTestStore, entryVersion, stamp, type TestStore } from "../support/store.ts";

const START = 1_700_000_000_000;
const LARGE = "x".repeat(2_000_000);

let files: TestStore;
let recorder: Recorder;
let now: number;
let notices: number;
beforeEach(async () => {
  now = START;
  notices = 0;
  files = createTestStore({ now: () => now });
  recorder = createFor("ana");
  await put({ note: "remote note" });
});
afterEach(() => {
  files.close();
});

function createFor(user: string | null): Recorder {
  return createRecorder({
    write: files.store.write,
    machine: { id: "machine-a", hostname: "host-a" },
    user,
    newId: () => "made",
    now: () => now,
    onWritten: () => {
      notices += 1;
    },
  });
}

/** The entry as the remote has it. */
const put = (fields: Fields, clocks: Record<string, string> | null = null) =>
  files.store.write.run((tx) => {
    tx.records.put({ version: entryVersion("one", fields, { clocks }), rev: 4, base: null });
  });
const add = (options: ConflictOptions = {}) => addConflict(files.store, "one", { rev: 6, ...options });
const entry = () => files.store.read.records.get("history", "one")!;
const conflict = (id: string) => files.store.read.records.get("conflict", id)!;
const queued = () => files.store.read.outbox.first(1000);
const events = () => files.store.read.audit.list({}, 100, null).events;
const refusedWith = (code: string) => expect.objectContaining({ name: "RecorderError", code });
const resolve = (id: string, choice: Resolution["choice"], value?: unknown) =>
  recorder.resolve(id, value === undefined ? { choice } : { choice, value });

describe("settling a conflict", () => {
  test("edits the record and the conflict like any edit, and writes down who chose what", async () => {
    const id = await add();
    now += 10;
    await resolve(id.toUpperCase(), "local");
    const { version, rev, base } = entry();
    expect([rev, base, version.fields.note]).toEqual([4, { note: "remote note" }, "local note"]);
    expect(version.clocks).toEqual({ "*": stamp(START), note: version.hlc });
    const settled = conflict(id);
    expect(settled).toMatchObject({
      rev: 6,
      base: { resolved_at: null, resolution: null, resolved_by: null },
      version: { fields: { resolved_at: START + 10, resolution: "local", resolved_by: "ana" } },
    });
    expect(settled.version.clocks).toMatchObject({ resolution: settled.version.hlc });
    expect(queued()).toEqual([
      { kind: "history", id: "one" },
      { kind: "conflict", id },
    ]);
    expect(events()).toMatchObject([
      {
        action: "resolve",
        record_kind: "history",
        record_id: "one",
        machine_id: "machine-a",
        user: "ana",
        details: { conflict: id, field: "note", choice: "local" },
      },
    ]);
    expect(notices).toBe(1);
  });

  test("by the value that the record has changes only the conflict", async () => {
    const before = entry();
    const id = await add();
    await resolve(id, "remote");
    expect(entry()).toEqual(before);
    expect(conflict(id).version.fields.resolution).toBe("remote");
    expect(queued()).toEqual([{ kind: "conflict", id }]);
  });

  test.each<[string, unknown, unknown]>([
    ["note", "both", "both"],
    ["note", null, null],
    ["tags", ["a", "b"], ["a", "b"]],
    ["tags", [], null],
    ["pinned", true, true],
  ])("by another value, which is kept as an edit would keep it: %s %j", async (field, value, kept) => {
    await put({ note: "x", tags: ["x"], pinned: false });
    await resolve(await add({ field }), "merge", value);
    expect(entry().version.fields[field]).toEqual(kept);
  });

  test("is by the machine where no user is configured", async () => {
    recorder = createFor(null);
    const id = await add();
    await resolve(id, "local");
    expect(conflict(id).version.fields.resolved_by).toBe("machine-a");
    expect(events()).toMatchObject([{ user: null }]);
  });

  test("is done whole or not at all", async () => {
    const id = await add();
    const before = [entry(), conflict(id)];
    await files.store.write.run((tx) => {
      tx.audit.add({
        at: 1,
        action: "a",
        recordKind: null,
        recordId: null,
        machineId: "m",
        user: null,
        details: null,
      });
    });
    const failing = Promise.all([
      resolve(id, "local"),
      files.store.write.run(() => {
        throw new RangeError("mine");
      }),
    ]);
    await expect(failing).rejects.toThrow("mine");
    // The neighbour's failure has the work run twice; it is done once.
    expect(events()).toHaveLength(2);
    expect([entry(), conflict(id)]).not.toEqual(before);
  });
});

describe("settling it again", () => {
  test("by the same choice changes nothing, and leaves later edits alone", async () => {
    const id = await add();
    await resolve(id, "local");
    await recorder.edit("one", { note: "later" });
    const before = [entry(), conflict(id), events(), notices];
    now += 1000;
    await resolve(id, "local");
    expect([entry(), conflict(id), events(), notices]).toEqual(before);
  });

  test("by another choice is an edit again", async () => {
    const id = await add();
    await resolve(id, "local");
    now += 1000;
    await resolve(id, "remote");
    expect(entry().version.fields.note).toBe("remote note");
    expect(conflict(id).version.fields).toMatchObject({ resolution: "remote", resolved_at: START + 1000 });
    expect(events().map(({ details }) => details["choice"])).toEqual(["remote", "local"]);
  });

  test("by the same merged value changes nothing, by another one it does", async () => {
    const id = await add();
    await resolve(id, "merge", "both");
    now += 1000;
    await resolve(id, "merge", "both");
    expect(conflict(id).version.fields.resolved_at).toBe(START);
    await resolve(id, "merge", "all");
    expect(entry().version.fields.note).toBe("all");
    expect(conflict(id).version.fields.resolved_at).toBe(START + 1000);
  });
});

describe("a value that was left out", () => {
  // The winner's, and the base.
  const large = { local: LARGE, remote: `${LARGE}y` };

  test("is the record's own, as long as nobody wrote the field since", async () => {
    const remoteClock = stamp(START + 5, 0, "bbbbbbbbbbbb");
    await put({ note: large.remote }, { "*": stamp(START), note: remoteClock });
    const id = await add({ ...large, remoteClock });
    await resolve(id, "remote");
    expect(conflict(id).version.fields.resolution).toBe("remote");
    expect(queued()).toEqual([{ kind: "conflict", id }]);
  });

  test("cannot be chosen afterwards; the other one can, and a merge", async () => {
    const id = await add(large);
    await expect(resolve(id, "remote")).rejects.toThrow(refusedWith("HD_OMITTED"));
    expect([conflict(id).version.fields.resolved_at, entry().version.fields.note]).toEqual([
      null,
      "remote note",
    ]);
    await resolve(id, "local");
    expect(entry().version.fields.note === LARGE).toBe(true);
    await resolve(id, "merge", "short");
    expect(entry().version.fields.note).toBe("short");
  });
});

describe("what cannot be settled", () => {
  test.each([{ deleted_at: 5 }, { purged_at: 5 }])("a conflict that is not there: %j", async (raw) => {
    await expect(resolve(await add({ raw }), "local")).rejects.toThrow(refusedWith("HD_NOT_FOUND"));
    await expect(resolve("none", "local")).rejects.toThrow(refusedWith("HD_NOT_FOUND"));
  });

  test.each([{ record_id: "elsewhere" }, { record_kind: "of-tomorrow" }])(
    "where the record is not here: %j",
    async (raw) => {
      const id = await add({ raw });
      await expect(resolve(id, "local")).rejects.toThrow(refusedWith("HD_GONE"));
      expect(conflict(id).version.fields.resolved_at).toBeNull();
    },
  );

  test("where the record was purged", async () => {
    const id = await add();
    await put({ purged_at: 5 });
    await expect(resolve(id, "local")).rejects.toThrow(refusedWith("HD_GONE"));
  });

  test("where the record is deleted, unless nothing of it changes", async () => {
    const id = await add();
    await recorder.remove("one");
    await expect(resolve(id, "local")).rejects.toThrow(refusedWith("HD_DELETED"));
    await resolve(id, "remote");
    expect(conflict(id).version.fields.resolution).toBe("remote");
    expect(entry().version.fields).toMatchObject({ deleted_at: START, note: "remote note" });
  });

  test.each<[string, ConflictOptions]>([
    ["a number for a note", { local: 5 }],
    ["nothing for a command", { field: "command", local: null }],
    ["texts that are none", { field: "tags", local: ["a", 1] }],
    ["a field that is not known here", { field: "mood" }],
    ["a field that is none", { field: "__proto__" }],
    ["a purge", { field: "purged_at", local: 5 }],
  ])("by a value that the record cannot take, which another machine sent: %s", async (_, options) => {
    const id = await add(options);
    const before = entry();
    await expect(resolve(id, "local")).rejects.toThrow(refusedWith("HD_INVALID"));
    expect([entry(), conflict(id).version.fields.resolved_at, events(), notices]).toEqual([
      before,
      null,
      [],
      0,
    ]);
  });
});

describe("a conflict about a delete", () => {
  test("is settled by deleting or by restoring", async () => {
    await put({ deleted_at: START - 100 });
    const id = await add({ field: "deleted_at", local: null, remote: START - 100 });
    await resolve(id, "local");
    expect(entry().version.fields.deleted_at).toBeNull();
    await resolve(id, "remote");
    expect(entry().version.fields.deleted_at).toBe(START - 100);
    await resolve(id, "merge", START - 50);
    expect(entry().version.fields.deleted_at).toBe(START - 50);
  });

  test("restores no later than a restore does", async () => {
    await put({ deleted_at: START });
    const id = await add({ field: "deleted_at", local: null, remote: START });
    now += RESTORE_WINDOW_MS + 1;
    await expect(resolve(id, "local")).rejects.toThrow(refusedWith("HD_RESTORE_EXPIRED"));
    now -= 1;
    await resolve(id, "local");
    expect(entry().version.fields.deleted_at).toBeNull();
  });
});
