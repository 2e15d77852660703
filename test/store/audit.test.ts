import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MAX_AUDIT_EVENTS, type NewAuditEvent } from "../../daemon/store/audit.ts";
import { createTestStore, type TestStore } from "../support/store.ts";

let files: TestStore;
beforeEach(() => {
  files = createTestStore();
});
afterEach(() => {
  files.close();
});

const event: NewAuditEvent = {
  at: 5,
  action: "edit",
  recordKind: "history",
  recordId: "one",
  machineId: "machine-a",
  user: "ana",
  details: { fields: ["note"] },
};
const add = (...events: Partial<NewAuditEvent>[]) =>
  files.store.write.run((tx) => {
    for (const each of events) tx.audit.add({ ...event, ...each });
  });
const list = (...[filter = {}, limit = 100, after = null]: Partial<Parameters<typeof read>>) =>
  read(filter, limit, after);
const read = (...args: Parameters<typeof files.store.read.audit.list>) =>
  files.store.read.audit.list(...args);
const numbers = (...args: Parameters<typeof list>) => list(...args).events.map(({ seq }) => seq);

test("what is written down is read back, newest first", async () => {
  await add({}, { action: "purge", recordKind: null, recordId: null, user: null, details: null });
  expect(list()).toEqual({
    events: [
      {
        seq: 2,
        at: 5,
        action: "purge",
        record_kind: null,
        record_id: null,
        machine_id: "machine-a",
        user: null,
        details: {},
      },
      {
        seq: 1,
        at: 5,
        action: "edit",
        record_kind: "history",
        record_id: "one",
        machine_id: "machine-a",
        user: "ana",
        details: { fields: ["note"] },
      },
    ],
    next: null,
  });
});

test("filters combine", async () => {
  await add({ at: 1 }, { at: 2, recordId: "two" }, { at: 3, action: "delete" }, { at: 4 });
  expect(numbers({ record: "one" })).toEqual([4, 3, 1]);
  expect(numbers({ action: "delete" })).toEqual([3]);
  expect(numbers({ since: 3 })).toEqual([4, 3]);
  expect(numbers({ record: "one", action: "edit", since: 2 })).toEqual([4]);
  expect(numbers({ record: "none" })).toEqual([]);
});

test("pages give every event once, whatever its time and whatever is added meanwhile", async () => {
  // What was done elsewhere arrives late.
  await add(...[9, 1, 9, 5, 3].map((at) => ({ at })));
  const first = list({}, 2);
  expect(first.events.map(({ seq }) => seq)).toEqual([5, 4]);
  await add({ at: 2 });
  const second = list({}, 2, first.next);
  expect(second.events.map(({ seq }) => seq)).toEqual([3, 2]);
  const third = list({}, 2, second.next);
  expect([third.events.map(({ seq }) => seq), third.next]).toEqual([[1], null]);
  expect(list({}, 6).next).toBeNull();
});

test("an event that is undone was never there", async () => {
  const undone = files.store.write.run((tx) => {
    tx.audit.add(event);
    throw new Error("no");
  });
  await expect(undone).rejects.toThrow("no");
  expect(numbers()).toEqual([]);
});

test("the newest hundred thousand are kept, and few more", async () => {
  const other = new Database(files.file);
  other.exec(`
    INSERT INTO audit (at, action, machine_id)
      WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ${MAX_AUDIT_EVENTS + 1998})
      SELECT i, 'edit', 'm' FROM n
  `);
  const kept = () => other.prepare("SELECT min(seq), max(seq), count(*) FROM audit").raw().get();
  await add({});
  expect(kept()).toEqual([1, MAX_AUDIT_EVENTS + 1999, MAX_AUDIT_EVENTS + 1999]);
  await add({}, {});
  expect(kept()).toEqual([2001, MAX_AUDIT_EVENTS + 2001, MAX_AUDIT_EVENTS + 1]);
  other.close();
});
