import { copyFileSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { WriteTx } from "../../daemon/store/writer.ts";
import { createTestStore, entryVersion, type TestStore } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";

const SECRET = "xylophonist";

let files: TestStore;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  files = createTestStore();
});
afterEach(() => {
  files.close();
  vi.useRealTimers();
});

const walSize = (): number => statSync(`${files.file}-wal`).size;
const holdsSecret = (file = files.file): boolean =>
  ["", "-wal"].some((end) => readFileSync(file + end).includes(SECRET));
const put = (command: string) => (tx: WriteTx) => {
  tx.records.put({ version: entryVersion("one", { command }), rev: null, base: null });
};
const erase = (tx: WriteTx): void => {
  put("")(tx);
  tx.scrub();
};

test("a commit leaves the log as it is, unless something was purged in it", async () => {
  await files.store.write.run(put(SECRET));
  await files.store.write.run(put(""));
  expect(holdsSecret()).toBe(true);
  await files.store.write.run(erase);
  expect([walSize(), holdsSecret()]).toEqual([0, false]);
  await files.store.write.run(put("later"));
  expect(walSize()).toBeGreaterThan(0);
});

test("it is gone when the one who purged is answered, also from the neighbours' pages", async () => {
  await files.store.write.run(put(SECRET));
  const sizes = [put("a"), erase, put("b")].map((work) => files.store.write.run(work).then(walSize));
  expect(await Promise.all(sizes)).toEqual([0, 0, 0]);
  expect(holdsSecret()).toBe(false);
});

test("a purge that was undone erases nothing", async () => {
  await files.store.write.run(put(SECRET));
  const undone = files.store.write.run((tx) => {
    erase(tx);
    throw new Error("no");
  });
  await expect(undone).rejects.toThrow("no");
  expect(files.store.read.history.get("one")?.command).toBe(SECRET);
});

test("while somebody reads it is tried again, at the next commit", async () => {
  await files.store.write.run(put(SECRET));
  const other = new Database(files.file);
  other.exec("BEGIN; SELECT * FROM history");
  other.prepare("SELECT count(*) FROM history").get();
  await files.store.write.run(erase);
  expect(holdsSecret()).toBe(true);
  other.exec("COMMIT");
  await files.store.write.run(put("next"));
  expect([walSize(), holdsSecret()]).toEqual([0, false]);
  other.close();
});

test("and after a pause, again and again", async () => {
  await files.store.write.run(put(SECRET));
  const other = new Database(files.file);
  other.exec("BEGIN");
  other.prepare("SELECT count(*) FROM history").get();
  await files.store.write.run(erase);
  vi.advanceTimersByTime(1000);
  expect(holdsSecret()).toBe(true);
  other.exec("COMMIT");
  vi.advanceTimersByTime(999);
  expect(holdsSecret()).toBe(true);
  vi.advanceTimersByTime(1);
  expect([walSize(), holdsSecret()]).toEqual([0, false]);
  other.close();
});

test("closing ends the tries", async () => {
  await files.store.write.run(put(SECRET));
  const other = new Database(files.file);
  other.exec("BEGIN");
  other.prepare("SELECT count(*) FROM history").get();
  await files.store.write.run(erase);
  files.store.close();
  // The indexer's own timer ends as well.
  expect(vi.getTimerCount()).toBe(0);
  other.close();
});

test("what a crash left in the log goes at the next start", async () => {
  await files.store.write.run(put(SECRET));
  await files.store.write.run(put(""));
  const copy = tempDir("historyd-scrub");
  const file = join(copy.path, "cache.db");
  for (const end of ["", "-wal"]) copyFileSync(files.file + end, file + end);
  expect(holdsSecret(file)).toBe(true);
  const next = createTestStore({ home: copy.path });
  expect(holdsSecret(file)).toBe(false);
  next.close();
  copy.remove();
});
