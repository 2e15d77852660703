import { createRequire } from "node:module";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createHybridClock } from "../../daemon/core/hlc.ts";
import { createWriter, type WriteTx } from "../../daemon/store/writer.ts";
import { startProcess, type Running } from "../support/processes.ts";
import { createTestStore, type TestStore } from "../support/store.ts";

let now: number;
let files: TestStore;
beforeEach(() => {
  now = 0;
  files = createTestStore({ monotonicMs: () => now });
});
afterEach(() => {
  files.close();
});

const queue = (id: string) => (tx: WriteTx) => {
  tx.outbox.add({ kind: "history", id }, 5);
};
const committed = () => files.store.read.outbox.first(10).map(({ id }) => id);

/** Somebody's script that holds the write lock until its input ends. */
async function startHolder(): Promise<Running> {
  const sqlite = createRequire(import.meta.url).resolve("better-sqlite3");
  const holder = await startProcess(process.execPath, [
    "-e",
    `const db = new (require(${JSON.stringify(sqlite)}))(${JSON.stringify(files.file)});
     db.exec("BEGIN IMMEDIATE");
     console.log("held");
     process.stdin.on("end", () => db.close()).resume();`,
  ]);
  await holder.waitForLine(/^held$/);
  return holder;
}

/** Resolves when the writer has tried, and failed, to begin. */
async function tried(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  promise.then(settle, settle);
  await tried();
  return settled;
}

test("another process that holds the write lock delays writes, and reads go on", async () => {
  const holder = await startHolder();
  const first = files.store.write.run(queue("one"));
  expect(await isSettled(first)).toBe(false);
  const second = files.store.write.run(queue("two"));
  expect(await isSettled(second)).toBe(false);
  expect(committed()).toEqual([]);

  holder.stdin.end();
  await Promise.all([first, second]);
  expect(committed()).toEqual(["one", "two"]);
  await holder.exited;
});

test("a holder that is killed delays no longer", async () => {
  const holder = await startHolder();
  const write = files.store.write.run(queue("one"));
  expect(await isSettled(write)).toBe(false);
  await holder.stop("SIGKILL");
  await write;
  expect(committed()).toEqual(["one"]);
});

test("after five seconds a write is refused, and the next one is given as long again", async () => {
  const other = new Database(files.file);
  other.exec("BEGIN IMMEDIATE");
  const write = files.store.write.run(queue("one"));
  await tried();
  now = 5001;
  await expect(write).rejects.toMatchObject({
    code: "HD_STORAGE",
    message: expect.stringContaining("locked"),
  });

  now = 3_600_000;
  const later = files.store.write.run(queue("two"));
  expect(await isSettled(later)).toBe(false);
  now += 4999;
  other.exec("ROLLBACK");
  await later;
  expect(committed()).toEqual(["two"]);
  other.close();
});

test("a process that takes the lock between the two tries of a group delays it as well", async () => {
  files.store.close();
  const other = new Database(files.file);
  let begins = 0;
  const db = new Database(files.file, {
    timeout: 0,
    verbose: (sql) => {
      // A piece failed, the group was undone, and is about to begin again.
      if (sql === "BEGIN IMMEDIATE" && (begins += 1) === 2) other.exec("BEGIN IMMEDIATE");
    },
  });
  const clock = createHybridClock({ now: () => 1000, node: "aaaaaaaaaaaa" });
  const writer = createWriter(db, { clock, monotonicMs: () => 0, onCommit: () => undefined });
  const good = writer.run(queue("one"));
  const bad = writer.run(() => {
    throw new RangeError("mine");
  });
  const refused = expect(bad).rejects.toThrow("mine");
  expect(await isSettled(good)).toBe(false);
  expect(begins).toBeGreaterThan(1);
  other.exec("ROLLBACK");
  await good;
  await refused;
  expect(other.prepare("SELECT record_id FROM outbox").pluck().all()).toEqual(["one"]);
  writer.close();
  db.close();
  other.close();
});

test("closing does not wait for a holder: what is queued is refused, not lost in silence", async () => {
  const other = new Database(files.file);
  other.exec("BEGIN IMMEDIATE");
  const write = files.store.write.run(queue("one"));
  await tried();
  files.store.write.close();
  await expect(write).rejects.toMatchObject({ code: "HD_STORAGE" });
  other.close();
});
