import * as fc from "fast-check";
import Database from "better-sqlite3";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Fields } from "../../daemon/core/record.ts";
import type { WriteTx } from "../../daemon/store/writer.ts";
import { createTestStore, entryVersion, stamp, type TestStore } from "../support/store.ts";
import { commandText } from "./arbitrary-entries.ts";

let files: TestStore;
let db: Database.Database;
beforeAll(() => {
  files = createTestStore();
  db = new Database(files.file);
  return files.store.write.run((tx) => void tx.records.reservePlaces(1000));
});
afterAll(() => {
  db.close();
  files.close();
});

const id = fc.constantFrom("a", "b", "c", "d", "e", "f");
const marks = fc.record({
  deleted_at: fc.constantFrom(null, 7),
  purged_at: fc.constantFrom(null, null, 8),
  command: commandText,
  response: fc.oneof(fc.constant(null), commandText),
  note: fc.oneof(fc.constant(null), commandText),
  tags: fc.oneof(fc.constant(null), fc.array(commandText, { minLength: 1, maxLength: 2 })),
});
const rev = fc.oneof(fc.constant(null), fc.nat(50));
const base = fc.constantFrom<(Fields | null)[]>(null, { note: null });

type Step =
  | { do: "put"; id: string; fields: Fields; rev: number | null; base: Fields | null; early: boolean }
  | { do: "acknowledge"; id: string; hlc: string; rev: number }
  | { do: "edit"; id: string; fields: Fields; field: string }
  | { do: "drop"; id: string }
  | { do: "index"; limit: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("put" as const),
      id,
      fields: marks,
      rev,
      base,
      early: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("acknowledge" as const),
      id,
      hlc: fc.constantFrom(stamp(1), stamp(2)),
      rev: fc.nat(99),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("edit" as const),
      id,
      fields: marks,
      field: fc.constantFrom("command", "response", "note", "tags", "deleted_at"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("drop" as const), id }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("index" as const), limit: fc.integer({ min: 1, max: 3 }) }),
  },
);

function apply(tx: WriteTx, each: Step): void {
  if (each.do === "index") tx.searchIndex.catchUp(each.limit);
  else if (each.do === "drop") tx.records.drop("history", each.id);
  else if (each.do === "acknowledge") tx.records.acknowledge("history", each.id, each.hlc, each.rev);
  else if (each.do === "put") {
    const version = entryVersion(each.id, each.fields, { hlc: stamp((each.rev ?? 0) % 2) });
    // A place that was reserved, as a first sync gives it.
    const place = each.early ? each.id.codePointAt(0)! : undefined;
    tx.records.put({ version, rev: each.rev, base: each.base }, place);
  } else {
    // One field by itself: the index must hear of each.
    const stored = tx.records.get("history", each.id);
    if (stored === null) return;
    const fields = { ...stored.version.fields, [each.field]: each.fields[each.field] ?? null };
    tx.records.put({ ...stored, version: { ...stored.version, fields } });
  }
}

test("counts and the search index stay right through any inserts, edits, acknowledgements, deletes and drops", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(step, fc.boolean()), { maxLength: 40, size: "max" }),
      async (steps) => {
        for (const [each, fails] of steps) {
          await files.store.write
            .run((tx) => {
              apply(tx, each);
              if (fails) throw new Error("undone");
            })
            .catch((error: unknown) => {
              if (!fails) throw error;
            });
        }
        const counted = db
          .prepare(
            `SELECT count(*) AS total, ifnull(sum(rev IS NULL OR base IS NOT NULL), 0) AS pending FROM history
           WHERE deleted_at IS NULL AND purged_at IS NULL`,
          )
          .get();
        expect(files.store.read.history.counts()).toEqual(counted);
        // SQLite's own integrity_check does not see an index that disagrees with its content.
        db.exec("INSERT INTO history_fts (history_fts, rank) VALUES ('integrity-check', 1)");
        expect(db.pragma("integrity_check", { simple: true })).toBe("ok");
      },
    ),
    { numRuns: 25 },
  );
});

test("the view for people shows what is live, and what of it is still to send", async () => {
  await files.store.write.run((tx) => {
    for (const each of ["a", "b", "c", "d", "e", "f"]) tx.records.drop("history", each);
    const put = (name: string, fields: Fields, at: number | null, from: Fields | null) => {
      tx.records.put({ version: entryVersion(name, fields), rev: at, base: from });
    };
    put("a", {}, null, null);
    put("b", {}, 1, null);
    put("c", { tags: ["x"] }, 2, { tags: null });
    put("d", { deleted_at: 3 }, 3, null);
    put("e", { purged_at: 3 }, 4, null);
  });
  expect(
    db.prepare("SELECT id, machine_id, tags, context, sync FROM history_cache ORDER BY id").raw().all(),
  ).toEqual([
    ["a", "machine-a", "[]", "{}", "pending"],
    ["b", "machine-a", "[]", "{}", "synced"],
    ["c", "machine-a", '["x"]', "{}", "pending"],
  ]);
});
