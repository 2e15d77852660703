import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestStore, entryVersion, stamp, type TestStore } from "../support/store.ts";
import { tempDir, type TempDir } from "../support/temp.ts";

let temp: TempDir;
let open: TestStore[];
beforeEach(() => {
  temp = tempDir("historyd-store");
  open = [];
});
afterEach(() => {
  for (const files of open) files.close();
  temp.remove();
});

function start(now = 1000): TestStore {
  const files = createTestStore({ home: temp.path, now: () => now });
  open.push(files);
  return files;
}

function stop(): void {
  open.pop()!.close();
}

test("what was written is there after closing and opening again, and closing leaves one file", async () => {
  const first = start();
  await first.store.write.run((tx) => {
    tx.records.put({ version: entryVersion("one"), rev: null, base: null });
    tx.outbox.add({ kind: "history", id: "one" }, 5);
  });
  stop();
  expect(existsSync(`${join(temp.path, "cache.db")}-wal`)).toBe(false);

  const { read } = start().store;
  expect(read.history.get("one")).toMatchObject({ command: "true", sync: "pending" });
  expect(read.outbox.first(9)).toEqual([{ kind: "history", id: "one" }]);
});

test("the clock goes on where it was, also when the machine's clock went back", async () => {
  const stamped = await start(5000).store.write.run((tx) => tx.clock.tick());
  stop();
  expect(await start(1000).store.write.run((tx) => tx.clock.tick())).toBe(stamp(5000, 1));
  expect(stamped).toBe(stamp(5000));
});

test("the incarnation is made once", () => {
  const name = start().store.read.meta.get("incarnation");
  stop();
  expect(start().store.read.meta.get("incarnation")).toBe(name);
});

test("it opens while another program holds the write lock", () => {
  start();
  stop();
  const other = new Database(join(temp.path, "cache.db"));
  other.exec("BEGIN IMMEDIATE");
  expect(start().store.read.history.counts()).toEqual({ total: 0, pending: 0 });
  other.close();
});

test("it says how large it is", async () => {
  const { store, file } = start();
  await store.write.run((tx) => {
    tx.meta.set("cursor", "1");
  });
  expect(store.info()).toEqual({
    path: file,
    schemaVersion: 2,
    size: statSync(file).size,
    walSize: statSync(`${file}-wal`).size,
  });
});
