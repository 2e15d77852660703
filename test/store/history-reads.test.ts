import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HistoryFilter } from "../../daemon/store/filters.ts";
import { storedToEntry } from "../../daemon/store/history-row.ts";
import type { HistoryReads, Position } from "../../daemon/store/history-reads.ts";
import { createTestStore, entryVersion, type TestStore } from "../support/store.ts";
import { fill, filter, matches, type Row, rows } from "./arbitrary-entries.ts";

let files: TestStore;
let history: HistoryReads;
beforeAll(() => {
  files = createTestStore();
  history = files.store.read.history;
});
afterAll(() => {
  files.close();
});

const everything: HistoryFilter = { mode: "hybrid", viewer: { machineId: "machine-a", user: null } };
const newestFirst = (all: Row[]) =>
  all
    .map((row, seq) => ({ row, seq }))
    .toSorted(
      (a, b) =>
        (b.row.version.fields.timestamp as number) - (a.row.version.fields.timestamp as number) ||
        b.seq - a.seq,
    )
    .map(({ row }) => row);

test("every filter and every mode find what they mean, newest first", async () => {
  let found = 0;
  await fc.assert(
    fc.asyncProperty(rows, fc.array(filter, { minLength: 20, maxLength: 20 }), async (all, filters) => {
      await fill(files.store, all);
      for (const by of filters) {
        const expected = newestFirst(all.filter((row) => matches(row, by))).map(({ version }) => version.id);
        const { entries, next } = history.list(by, 1000, null);
        expect(entries.map(({ id }) => id)).toEqual(expected);
        expect(next).toBeNull();
        found += expected.length;
      }
    }),
    { numRuns: 60 },
  );
  expect(found).toBeGreaterThan(500);
});

test("an entry read from the cache is the one that was written there", async () => {
  await fc.assert(
    fc.asyncProperty(rows, async (all) => {
      await fill(files.store, all);
      for (const row of all) {
        const expected = row.version.fields.purged_at === null ? storedToEntry(row) : null;
        expect(history.get(row.version.id)).toEqual(expected);
      }
      for (const entry of history.list(everything, 1000, null).entries) {
        expect(entry).toEqual(history.get(entry.id));
      }
    }),
    { numRuns: 30 },
  );
  expect(history.get("never was")).toBeNull();
});

describe("paging", () => {
  /** The ids of all pages, and what happened between one page and the next. */
  async function readPages(
    by: HistoryFilter,
    limit: number,
    between: () => Promise<void>,
  ): Promise<string[]> {
    const ids: string[] = [];
    let after: Position | null = null;
    do {
      const { entries, next } = history.list(by, limit, after);
      expect(entries.length).toBeLessThanOrEqual(limit);
      if (next !== null) expect(entries.length).toBe(limit);
      // Bounded: a page that repeats itself must fail, not run for ever.
      if (ids.length > 1000) expect.fail(`no end of pages: ${ids.slice(0, 20).join(" ")} …`);
      ids.push(...entries.map(({ id }) => id));
      after = next;
      await between();
    } while (after !== null);
    return ids;
  }

  test("covers everything exactly once, also where many times are equal", async () => {
    await fc.assert(
      fc.asyncProperty(rows, filter, fc.integer({ min: 1, max: 7 }), async (all, by, limit) => {
        await fill(files.store, all);
        const whole = history.list(by, 1000, null).entries.map(({ id }) => id);
        expect(await readPages(by, limit, () => Promise.resolve())).toEqual(whole);
      }),
      { numRuns: 60 },
    );
  });

  test("neither misses nor repeats what was there at its start while entries arrive, change and go", async () => {
    const at = fc.integer({ min: 0, max: 7 });
    await fc.assert(
      fc.asyncProperty(
        rows,
        fc.integer({ min: 1, max: 4 }),
        fc.infiniteStream(at),
        async (all, limit, times) => {
          await fill(files.store, all);
          const whole = history.list(everything, 1000, null).entries.map(({ id }) => id);
          let arrived = all.length;
          const ids = await readPages(everything, limit, async () => {
            // One arrives, at any time, the present page's own included; one that was read is edited.
            const timestamp = times.next().value as number;
            const version = entryVersion(`id-${arrived++}`, { timestamp });
            await files.store.write.run((tx) => {
              tx.records.put({ version, rev: null, base: null });
              const edited = tx.records.get("history", whole[0] ?? version.id)!;
              tx.records.put({ ...edited, rev: 1, base: { note: null } });
            });
          });
          expect(ids.filter((id) => whole.includes(id))).toEqual(whole);
          expect(new Set(ids).size).toBe(ids.length);
        },
      ),
      { numRuns: 40 },
    );
  });
});

test("a machine that no row names is nobody's, and no error", () => {
  const by: HistoryFilter = { mode: "machine", viewer: { machineId: "never seen", user: null } };
  expect(history.list(by, 10, null)).toEqual({ entries: [], next: null });
});

test("what a filter holds is a value, never SQL", async () => {
  await fill(files.store, [
    { version: entryVersion("id-0", { cwd: "'; DROP TABLE history; --" }), rev: null, base: null },
  ]);
  const by = { ...everything, cwd: "'; DROP TABLE history; --" };
  expect(history.list(by, 10, null).entries.length).toBe(1);
  expect(history.list({ ...everything, tag: "%" }, 10, null).entries).toEqual([]);
});

test("more shapes of query than are kept prepared are no trouble", () => {
  for (let shape = 0; shape < 2 ** 9; shape++) {
    const on = <T>(bit: number, value: T) => (shape & (1 << bit) ? value : undefined);
    const by: HistoryFilter = {
      ...everything,
      user: on(0, "u"),
      machine: on(1, "m"),
      session: on(2, "s"),
      cwd: on(3, "/"),
      kind: on(4, "chat"),
      tag: on(5, "t"),
      exit_code: on(6, 0),
      since: on(7, 1),
      until: on(8, 2),
    };
    history.list(by, 1, null);
  }
});
