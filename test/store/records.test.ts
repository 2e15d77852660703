import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { conflictVersion } from "../../daemon/core/conflict.ts";
import { type Fields, UnreadableRecordError, type Version } from "../../daemon/core/record.ts";
import { openForReading } from "../../daemon/store/database.ts";
import { addConflict } from "../support/conflicts.ts";
import { createTestStore, entryVersion, stamp, type TestStore } from "../support/store.ts";

let files: TestStore;
beforeEach(() => {
  files = createTestStore();
});
afterEach(() => {
  files.close();
});

const put = (version: Version, rev: number | null = null, base: Fields | null = null) =>
  files.store.write.run((tx) => {
    tx.records.put({ version, rev, base });
  });
const get = (id: string, kind = "history") => files.store.read.records.get(kind, id);

const text = fc.string({ unit: "binary" }).filter((each) => each.isWellFormed());
const nullable = <T>(of: fc.Arbitrary<T>) => fc.oneof(fc.constant(null), of);
const integer = fc.maxSafeInteger();
const time = fc.maxSafeNat().map((ms) => ms % 253_402_300_800_000);
const plain = { noNullPrototype: true };
const fields = fc.record(
  {
    scope: fc.constantFrom("global", "user", "machine"),
    user: nullable(text),
    timestamp: time,
    deleted_at: nullable(time),
    purged_at: nullable(time),
    kind: fc.constantFrom("command", "chat"),
    command: text,
    response: nullable(text),
    exit_code: nullable(fc.integer()),
    duration_ms: nullable(fc.maxSafeNat()),
    tags: nullable(fc.array(text, { minLength: 1, maxLength: 3 })),
    note: nullable(text),
    pinned: fc.boolean(),
    context: nullable(fc.dictionary(text, fc.oneof(text, integer, fc.boolean()), plain)),
    caused_by: nullable(text),
  },
  plain,
);
const clocks = nullable(
  fc.dictionary(
    fc.constantFrom("*", "note", "tags"),
    fc.nat().map((ms) => stamp(ms)),
    plain,
  ),
);

test("what is put is what is got, insert and replace alike", async () => {
  const base = nullable(fc.record({ note: nullable(text) }, plain));
  const machine = fc.constantFrom("machine-a", "machine-b", "ç");
  await fc.assert(
    fc.asyncProperty(
      fields,
      clocks,
      nullable(fc.nat()),
      base,
      machine,
      machine,
      async (given, by, rev, from, m, e) => {
        const version = entryVersion("one", given, { clocks: by, machineId: m, lastEditor: e });
        await put(version, rev, from);
        expect(get("one")).toStrictEqual({ version, rev, base: from });
      },
    ),
  );
  expect(files.store.read.history.counts().total).toBeLessThanOrEqual(1);
});

test("a conflict record is kept as well, with values of any type", async () => {
  const values: [Fields[string], Fields[string]][] = [
    ["a", null],
    [["x"], { a: [1, "z"] }],
    [true, 7],
  ];
  for (const [local, remote] of values) {
    const version = conflictVersion(
      { field: "f", base: null, local, remote, localClock: stamp(1), remoteClock: stamp(2), winner: "local" },
      entryVersion("one"),
      entryVersion("one"),
      stamp(3),
      4,
    );
    await put(version);
    expect(get(version.id, "conflict")).toStrictEqual({ version, rev: null, base: null });
  }
});

test("the conflicts of a record are found by it, the settled and purged ones as well", async () => {
  for (const id of ["one", "two"]) await put(entryVersion(id));
  const ids = [
    await addConflict(files.store, "one"),
    await addConflict(files.store, "one", { field: "tags", raw: { resolved_at: 5, resolution: "local" } }),
    await addConflict(files.store, "one", { raw: { purged_at: 5 } }),
  ];
  await addConflict(files.store, "two");
  const found = await files.store.write.run((tx) => tx.records.conflictsOf("one"));
  expect(found.map(({ version }) => version.id).toSorted()).toEqual(ids.toSorted());
  expect(found).toEqual(expect.arrayContaining(ids.map((id) => get(id, "conflict"))));
  expect(files.store.read.records.conflictsOf("none")).toEqual([]);
});

test("the machines named in rows are written once each", async () => {
  for (const id of ["a", "b", "c"]) await put(entryVersion(id, {}, { machineId: "m", lastEditor: "n" }));
  expect(get("b")?.version).toMatchObject({ machineId: "m", lastEditor: "n" });
  const db = openForReading(files.file);
  expect(db.prepare("SELECT id FROM machines ORDER BY id").pluck().all()).toEqual(["m", "n"]);
  db.close();
});

describe("fields that do not fit, which another machine may send", () => {
  test.each<[string, Fields]>([
    ["unknown", { mood: "good" }],
    ["missing", { command: null }],
    ["text that is a number", { command: 1 }],
    ["an integer that is text", { exit_code: "1" }],
    ["an integer with a fraction", { exit_code: 1.5 }],
    ["an integer too large to be exact", { timestamp: 2 ** 53 }],
    ["a time before 1970", { timestamp: -1 }],
    ["a time after the year 9999", { deleted_at: 253_402_300_800_000 }],
    ["a negative duration", { duration_ms: -1 }],
    ["an exit code of more than 32 bits", { exit_code: 2 ** 31 }],
    ["a scope that is none", { scope: "galaxy" }],
    ["a kind that is none", { kind: "song" }],
    ["a yes or no that is a number", { pinned: 1 }],
    ["text that is a list", { note: ["x"] }],
    // Every read of the history would fail on these two.
    ["tags that are no list", { tags: "x" }],
    ["tags that are no texts", { tags: ["x", 1] }],
    ["tags that are an object", { tags: { a: 1 } }],
    ["a context that is a list", { context: ["x"] }],
    ["a context that is text", { context: "x" }],
  ])("are refused as unreadable: %s", async (_, change) => {
    await put(entryVersion("one", { note: "before" }));
    await expect(put(entryVersion("one", change))).rejects.toThrow(UnreadableRecordError);
    expect(get("one")?.version.fields).toMatchObject({ command: "true", note: "before" });
  });

  test("but an unknown one that is null is nothing, as is a known one that is absent", async () => {
    const version = entryVersion("one", { mood: null });
    delete version.fields.note;
    await put(version);
    expect(get("one")?.version).toStrictEqual(entryVersion("one"));
  });
});

describe("an acknowledgement", () => {
  const acknowledge = (hlc: string, rev: number) =>
    files.store.write.run((tx) => tx.records.acknowledge("history", "one", hlc, rev));

  test("gives the version its revision and ends its edits", async () => {
    await put(entryVersion("one", {}, { hlc: stamp(5) }), 3, { note: "old" });
    expect(await acknowledge(stamp(5), 9)).toBe(true);
    expect(get("one")).toMatchObject({ rev: 9, base: null });
  });

  test("of a version that was edited since changes nothing", async () => {
    await put(entryVersion("one", {}, { hlc: stamp(6) }), 3, { note: "old" });
    expect(await acknowledge(stamp(5), 9)).toBe(false);
    expect(get("one")).toMatchObject({ rev: 3, base: { note: "old" } });
  });
});

test("a dropped record is gone; an unknown kind is a fault of ours", async () => {
  await put(entryVersion("one"));
  await files.store.write.run((tx) => {
    tx.records.drop("history", "one");
    tx.records.drop("history", "never was");
  });
  expect(get("one")).toBeNull();
  expect(() => get("one", "of-tomorrow")).toThrow(RangeError);
  expect(files.store.read.records.schemaOf("of-tomorrow")).toBeNull();
  expect(files.store.read.records.schemaOf("history")).toBe(1);
});
