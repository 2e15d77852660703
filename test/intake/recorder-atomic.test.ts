import { join } from "node:path";
import { pathToFileURL } from "node:url";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { packageRoot } from "../../client-lib/package-root.ts";
import { createRecorder, type Recorder } from "../../daemon/intake/recorder.ts";
import { startProcess } from "../support/processes.ts";
import { cacheMigrations, createTestStore, type TestStore } from "../support/store.ts";

// An entry and its place in the outbox are one write: whatever stops it, there are both or neither.

let files: TestStore;
let recorder: Recorder;
let other: Database.Database;
let notices: number;
beforeEach(() => {
  let serial = 0;
  notices = 0;
  files = createTestStore();
  other = new Database(files.file);
  recorder = createRecorder({
    write: files.store.write,
    machine: { id: "machine-a", hostname: "host-a" },
    user: null,
    newId: () => `made-${(serial += 1)}`,
    now: () => 1000,
    onWritten: () => {
      notices += 1;
    },
  });
});
afterEach(() => {
  other.close();
  files.close();
});

const column = (sql: string): unknown[] => other.prepare(sql).pluck().all();
const entries = () => column("SELECT id FROM history ORDER BY seq");
const queued = () => column("SELECT record_id FROM outbox ORDER BY seq");

/** From now on the database itself refuses this write. */
function refuse(operation: string, when = "1"): void {
  other.exec(
    `CREATE TRIGGER refusal BEFORE ${operation} WHEN ${when} BEGIN SELECT RAISE(ABORT, 'refused'); END`,
  );
}

test("an entry whose place in the outbox cannot be written is not stored", async () => {
  refuse("INSERT ON outbox");
  await expect(recorder.record({ command: "ls" })).rejects.toMatchObject({ code: "HD_STORAGE" });
  expect([entries(), queued(), notices]).toEqual([[], [], 0]);
});

test("an entry that cannot be stored takes no place in the outbox", async () => {
  refuse("INSERT ON history");
  await expect(recorder.record({ command: "ls" })).rejects.toMatchObject({ code: "HD_STORAGE" });
  expect([entries(), queued()]).toEqual([[], []]);
});

test("a batch of which one cannot be stored stores none, and its neighbours are stored all the same", async () => {
  refuse("INSERT ON history", "NEW.command = 'bad'");
  const before = recorder.record({ command: "before" });
  const batch = recorder.recordAll([{ command: "good" }, { command: "bad" }]);
  const after = recorder.record({ command: "after" });
  await expect(batch).rejects.toMatchObject({ code: "HD_STORAGE" });
  const kept = [await before, await after].map(({ stored }) => stored.version.id);
  expect(entries()).toEqual(kept);
  expect(queued()).toEqual(kept);
  expect(notices).toBe(2);
});

test("an edit that cannot be queued leaves the entry as it was", async () => {
  const { stored } = await recorder.record({ command: "ls", note: "before" });
  await files.store.write.run((tx) => {
    tx.records.acknowledge("history", stored.version.id, stored.version.hlc, 1);
    tx.outbox.remove(stored.version.id);
  });
  refuse("INSERT ON outbox");
  await expect(recorder.edit(stored.version.id, { note: "after" })).rejects.toMatchObject({
    code: "HD_STORAGE",
  });
  expect(files.store.read.history.get(stored.version.id)).toMatchObject({ note: "before", sync: "synced" });
});

test("a change that cannot be written down is not made", async () => {
  const { stored } = await recorder.record({ command: "ls", note: "before" });
  const { id } = stored.version;
  refuse("INSERT ON audit");
  for (const change of [recorder.edit(id, { note: "after" }), recorder.remove(id), recorder.purge(id)]) {
    await expect(change).rejects.toMatchObject({ code: "HD_STORAGE" });
  }
  expect(files.store.read.history.get(id)).toMatchObject({ note: "before", deleted_at: null });
});

test("a process killed in the middle of a write leaves what was acknowledged, and nothing of the rest", async () => {
  const module = (name: string) => JSON.stringify(pathToFileURL(join(packageRoot, "dist/daemon", name)).href);
  const killed = await startProcess(process.execPath, [
    "--input-type=module",
    "-e",
    `import { createHybridClock } from ${module("core/hlc.js")};
     import { createRecorder } from ${module("intake/recorder.js")};
     import { openStore } from ${module("store/store.js")};
     const store = openStore({
       file: ${JSON.stringify(files.file)}, migrations: ${JSON.stringify(cacheMigrations)}, backups: "none",
       newIncarnation: () => "i", monotonicMs: () => 0,
       clock: () => createHybridClock({ now: () => 1000, node: "bbbbbbbbbbbb" }),
     });
     let serial = 0;
     const recorder = createRecorder({
       write: store.write, machine: { id: "m", hostname: "h" }, user: null,
       newId: () => "id-" + (serial += 1), now: () => 1000, onWritten: () => undefined,
     });
     const { stored } = await recorder.record({ command: "acknowledged" });
     console.log("acknowledged", stored.version.id);
     await store.write.run((tx) => {
       recorder.recordIn(tx, { command: "under way" });
       process.kill(process.pid, "SIGKILL");
     });`,
  ]);
  expect(await killed.exited).toEqual({ code: null, signal: "SIGKILL" });
  expect(killed.stdout).toEqual(["acknowledged id-1"]);
  expect([entries(), queued()]).toEqual([["id-1"], ["id-1"]]);
  expect(files.store.read.history.counts()).toEqual({ total: 1, pending: 1 });
});
