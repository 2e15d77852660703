import Database from "better-sqlite3";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createHybridClock } from "../../daemon/core/hlc.ts";
import { type Db, openForReading } from "../../daemon/store/database.ts";
import { createOutboxReads } from "../../daemon/store/outbox.ts";
import { createWriter, type Writer, type WriteTx } from "../../daemon/store/writer.ts";
import { createTestStore, entryVersion, type TestStore } from "../support/store.ts";

let files: TestStore;
let db: Db;
let reader: Db;
let writer: Writer;
/** Every statement that the writer's connection ran. */
let statements: string[];
beforeEach(() => {
  files = createTestStore();
  files.store.close();
  statements = [];
  db = new Database(files.file, { verbose: (sql) => statements.push(String(sql)) });
  reader = openForReading(files.file);
  const clock = createHybridClock({ now: () => 1000, node: "aaaaaaaaaaaa" });
  writer = createWriter(db, { clock, monotonicMs: () => 0, onCommit: () => undefined });
});
afterEach(() => {
  writer.close();
  reader.close();
  db.close();
  files.close();
});

const count = (statement: string) => statements.filter((sql) => sql === statement).length;
const queue = (id: string) => (tx: WriteTx) => {
  tx.outbox.add({ kind: "history", id }, 5);
  return id;
};
/** What is committed, as another connection sees it. */
const committed = () =>
  createOutboxReads(reader)
    .first(1000)
    .map(({ id }) => id);

describe("work asked for at the same time", () => {
  test("shares one transaction, and so one flush to disk", async () => {
    const ids = Array.from({ length: 50 }, (_, index) => `id-${index}`);
    expect(await Promise.all(ids.map((id) => writer.run(queue(id))))).toEqual(ids);
    expect([count("BEGIN IMMEDIATE"), count("COMMIT")]).toEqual([1, 1]);
    expect(committed()).toEqual(ids);
  });

  test("of more than 256 pieces is split, so that one failure does not undo without bound", async () => {
    await Promise.all(Array.from({ length: 600 }, (_, index) => writer.run(queue(`id-${index}`))));
    expect(count("COMMIT")).toBe(3);
  });

  test("is done in the order asked for, also when it asks for more", async () => {
    const order: number[] = [];
    const inner: Promise<void>[] = [];
    const first = [1, 2, 3].map((number) =>
      writer.run(() => {
        order.push(number);
        inner.push(writer.run(() => void order.push(number * 10)));
      }),
    );
    await Promise.all(first);
    await Promise.all(inner);
    expect(order).toEqual([1, 2, 3, 10, 20, 30]);
  });

  test("is answered only when all of it is on disk", async () => {
    const seen: number[] = [];
    await Promise.all(
      ["a", "b", "c"].map((id) => writer.run(queue(id)).then(() => seen.push(committed().length))),
    );
    expect(seen).toEqual([3, 3, 3]);
  });
});

test("a piece of work that fails undoes its own writes and nobody else's", async () => {
  const name = fc.constantFrom("ok", "throws", "breaks a constraint");
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(name, { maxLength: 12 }), async (kinds) => {
      run += 1;
      const before = committed();
      const results = await Promise.allSettled(
        kinds.map((kind, index) =>
          writer.run((tx) => {
            queue(`${run}-${index}`)(tx);
            if (kind === "throws") throw new RangeError("no");
            if (kind !== "ok") db.exec("INSERT INTO outbox (seq) VALUES (NULL)");
            return kind;
          }),
        ),
      );
      expect(
        results.map((result) => (result.status === "fulfilled" ? "ok" : (result.reason as Error).name)),
      ).toEqual(
        kinds.map((kind) => (kind === "ok" ? "ok" : kind === "throws" ? "RangeError" : "StorageError")),
      );
      const kept = kinds.flatMap((kind, index) => (kind === "ok" ? [`${run}-${index}`] : []));
      expect(committed()).toEqual([...before, ...kept]);
    }),
    { numRuns: 50 },
  );
});

test("all of a piece is undone, in every table", async () => {
  const tables = ["history", "machines", "outbox", "set_aside", "spool_files", "conflicts"];
  const rows = () => tables.map((table) => reader.prepare(`SELECT count(*) FROM ${table}`).pluck().get());
  const failing = writer.run((tx) => {
    const version = entryVersion("one");
    tx.records.put({ version, rev: null, base: null });
    tx.outbox.add({ kind: "history", id: "one" }, 1);
    tx.spoolFiles.setPosition("a", 1, 1);
    tx.meta.set("cursor", "7");
    throw new Error("now");
  });
  await expect(failing).rejects.toThrow("now");
  expect(rows()).toEqual([0, 0, 0, 0, 0, 0]);
  expect(reader.prepare("SELECT value FROM meta WHERE key = 'cursor'").get()).toBeUndefined();
});

describe("what SQLite refuses", () => {
  test("is told as HD_STORAGE with its cause; what the work itself threw stays as it is", async () => {
    const refused = writer.run(() => db.exec("INSERT INTO outbox (seq) VALUES (NULL)"));
    await expect(refused).rejects.toMatchObject({ name: "StorageError", code: "HD_STORAGE" });
    await expect(refused).rejects.toHaveProperty("cause.code", "SQLITE_CONSTRAINT_NOTNULL");
    const own = new RangeError("mine");
    await expect(
      writer.run(() => {
        throw own;
      }),
    ).rejects.toBe(own);
  });

  test("at the commit fails everything in it, and the next write succeeds", async () => {
    const broken = writer.run((tx) => {
      queue("one")(tx);
      // Seen only at the commit.
      db.pragma("defer_foreign_keys = ON");
      db.exec(
        `INSERT INTO history (id, kind, command, scope, machine, timestamp, created_at, editor, hlc)
         VALUES ('x', 'command', 'x', 'global', 99, 1, 1, 99, 'x')`,
      );
    });
    const bystander = writer.run(queue("two"));
    for (const lost of [broken, bystander]) await expect(lost).rejects.toMatchObject({ code: "HD_STORAGE" });
    expect(committed()).toEqual([]);
    await writer.run(queue("three"));
    expect(committed()).toEqual(["three"]);
  });
});

describe("a transaction's handle", () => {
  test("throws once its transaction has ended", async () => {
    const tx = await writer.run((inner) => inner);
    const uses: (() => unknown)[] = [
      () => tx.outbox.add({ kind: "history", id: "late" }, 1),
      () => tx.outbox.first(1),
      () => tx.records.put({ version: entryVersion("late"), rev: null, base: null }),
      () => tx.meta.set("cursor", "1"),
      () => tx.spoolFiles.setPosition("a", 1, 1),
      () => tx.setAside.remove("x"),
      () => tx.clock.tick(),
      () =>
        tx.audit.add({
          at: 1,
          action: "edit",
          recordKind: null,
          recordId: null,
          machineId: "m",
          user: null,
          details: null,
        }),
      () => {
        tx.scrub();
      },
    ];
    for (const use of uses) expect(use).toThrow(expect.objectContaining({ code: "HD_CLOSED" }));
    await expect(
      writer.run(async (inner) => {
        await Promise.resolve();
        queue("late")(inner);
      }),
    ).rejects.toThrow("outside its transaction");
    expect(committed()).toEqual([]);
  });
});

describe("the clock", () => {
  const kept = () => reader.prepare("SELECT value FROM meta WHERE key = 'hlc'").pluck().get();

  test("is kept with what it stamped", async () => {
    const stamp = await writer.run((tx) => tx.clock.tick());
    expect(kept()).toBe(stamp);
    const later = await Promise.all([
      writer.run((tx) => tx.clock.tick()),
      writer.run((tx) => tx.clock.tick()),
    ]);
    expect(kept()).toBe(later[1]);
    expect(later.toSorted()).toEqual(later);
  });

  test("is not written where nothing was stamped", async () => {
    await writer.run(queue("one"));
    expect(kept()).toBeUndefined();
  });

  test("never gives a stamp twice, also when what it stamped was undone", async () => {
    const stamps: string[] = [];
    await writer
      .run((tx) => {
        stamps.push(tx.clock.tick());
        throw new Error("undone");
      })
      .catch(() => undefined);
    stamps.push(await writer.run((tx) => tx.clock.tick()));
    expect(new Set(stamps).size).toBe(stamps.length);
  });
});

describe("closing", () => {
  test("commits what is queued, in order, and refuses what comes later", async () => {
    const queued = Array.from({ length: 300 }, (_, index) => writer.run(queue(`id-${index}`)));
    writer.close();
    expect(committed().length).toBe(300);
    await Promise.all(queued);
    await expect(writer.run(queue("late"))).rejects.toMatchObject({ code: "HD_CLOSED" });
    expect(committed().length).toBe(300);
  });

  test("twice, or with nothing to do, does nothing", () => {
    writer.close();
    writer.close();
    expect(count("COMMIT")).toBe(0);
  });
});
