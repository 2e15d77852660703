import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Fields } from "../../daemon/core/record.ts";
import { addConflict, type ConflictOptions } from "../support/conflicts.ts";
import { createTestStore, entryVersion, type TestStore } from "../support/store.ts";

const START = 1_700_000_000_000;

let files: TestStore;
beforeEach(async () => {
  files = createTestStore();
  await put("one", { command: "make all", note: "now" });
});
afterEach(() => {
  files.close();
});

const put = (id: string, fields: Fields) =>
  files.store.write.run((tx) => {
    tx.records.put({ version: entryVersion(id, fields), rev: null, base: null });
  });
const add = (options: ConflictOptions = {}, id = "one") => addConflict(files.store, id, options);
const get = (id: string) => files.store.read.conflicts.get(id);
const list = (...args: Parameters<typeof files.store.read.conflicts.list>) =>
  files.store.read.conflicts.list(...args);
const ids = (...args: Parameters<typeof list>) => list(...args).conflicts.map(({ id }) => id);

test("a conflict is shown with when each side wrote, and what the record has now", async () => {
  const id = await add({ base: "before", at: START });
  expect(get(id)).toMatchObject({
    id,
    record_id: "one",
    record_kind: "history",
    field: "note",
    base_value: "before",
    local_value: "local note",
    remote_value: "remote note",
    omitted: [],
    local_at: START - 2000,
    remote_at: START - 1000,
    local_machine: "machine-a",
    remote_machine: "machine-b",
    winner: "remote",
    decided_by: "last_write_wins",
    current_value: "now",
    record_summary: "make all",
    timestamp: START,
    resolved_at: null,
    resolution: null,
    resolved_by: null,
  });
  expect(list({ state: "open" }, 10, null)).toEqual({ conflicts: [get(id)], next: null });
});

test.each<[string, Fields, unknown]>([
  ["tags", { tags: ["a", "ç"] }, ["a", "ç"]],
  ["pinned", { pinned: true }, true],
  ["pinned", {}, false],
  ["exit_code", { exit_code: -1 }, -1],
  ["context", { context: { a: [1] } }, { a: [1] }],
  ["deleted_at", { deleted_at: 7 }, 7],
  ["response", {}, null],
])("the value now is of the field's own type: %s %j", async (field, fields, expected) => {
  await put("one", fields);
  expect(get(await add({ field }))).toMatchObject({ current_value: expected });
});

test("the summary is the first 200 characters, none of them cut in half", async () => {
  await put("one", { command: "😀".repeat(300) });
  expect(get(await add())?.record_summary).toBe("😀".repeat(200));
});

test("a record that is purged, not here or of a kind or field unknown here has no value", async () => {
  const gone = { current_value: null, record_summary: null };
  for (const raw of [
    { record_id: "elsewhere" },
    { record_kind: "of-tomorrow" },
    { field: "mood" },
    { field: "seq" },
    { field: "command FROM history --" },
    { field: "__proto__" },
  ]) {
    expect(get(await add({ raw }))).toMatchObject({ ...raw, ...gone });
  }
  const id = await add();
  await put("one", { purged_at: 5 });
  expect(get(id)).toMatchObject(gone);
});

test("a clock that is none has no time", async () => {
  const raw = { local_clock: "yesterday", remote_clock: "" };
  expect(get(await add({ raw }))).toMatchObject({ ...raw, local_at: null, remote_at: null });
});

test("states and records are told apart; what is deleted or purged is not listed", async () => {
  await put("two", {});
  const open = await add({ at: 1 });
  const resolved = await add({ at: 2, raw: { resolved_at: 9, resolution: "merge", resolved_by: "ana" } });
  const other = await add({ at: 3 }, "two");
  for (const raw of [{ deleted_at: 5 }, { purged_at: 5 }]) {
    expect(get(await add({ raw }))).toBeNull();
  }
  expect(ids({ state: "open" }, 10, null)).toEqual([other, open]);
  expect(ids({ state: "resolved" }, 10, null)).toEqual([resolved]);
  expect(ids({ state: "all" }, 10, null)).toEqual([other, resolved, open]);
  expect(ids({ state: "all", record: "one" }, 10, null)).toEqual([resolved, open]);
  expect(ids({ state: "open", record: "two" }, 10, null)).toEqual([other]);
  expect(get("none")).toBeNull();
});

test("pages give every conflict once, newest first, also where several have the same time", async () => {
  const times = [5, 3, 5, 5, 1];
  const made: string[] = [];
  for (const at of times) made.push(await add({ at }));
  const expected = [3, 2, 0, 1, 4].map((index) => made[index]);
  for (const limit of [1, 2, 5, 6]) {
    const seen: string[] = [];
    let after: Parameters<typeof list>[2] = null;
    do {
      const page = list({ state: "open" }, limit, after);
      seen.push(...page.conflicts.map(({ id }) => id));
      after = page.next;
    } while (after !== null);
    expect(seen).toEqual(expected);
  }
});

test("a page ends early where its values are long, those of the records included", async () => {
  const large = "x".repeat(3_000_000);
  await put("one", { response: large });
  for (let at = 1; at <= 6; at++) await add({ at, field: "response", local: "small", remote: "small" });
  const first = list({ state: "open" }, 100, null);
  expect(first.conflicts.map(({ timestamp }) => timestamp)).toEqual([6, 5, 4, 3, 2]);
  const rest = list({ state: "open" }, 100, first.next);
  expect([rest.conflicts.map(({ timestamp }) => timestamp), rest.next]).toEqual([[1], null]);
});

test("the open ones are found without looking at the others", () => {
  const db = new Database(files.file, { readonly: true });
  const plan = db
    .prepare(
      `EXPLAIN QUERY PLAN SELECT id FROM conflicts AS c WHERE c.resolved_at IS NULL AND c.deleted_at IS NULL
       AND c.purged_at IS NULL ORDER BY c.timestamp DESC, c.seq DESC LIMIT 10`,
    )
    .all() as { detail: string }[];
  expect(plan.map(({ detail }) => detail).join()).toMatch(/^SCAN c USING INDEX conflicts_open$/);
  db.close();
});
