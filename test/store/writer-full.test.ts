import { join } from "node:path";
import { pathToFileURL } from "node:url";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { packageRoot } from "../../client-lib/package-root.ts";
import { createHybridClock } from "../../daemon/core/hlc.ts";
import { createWriter } from "../../daemon/store/writer.ts";
import { startProcess } from "../support/processes.ts";
import { cacheMigrations, createTestStore, entryVersion, type TestStore } from "../support/store.ts";

let files: TestStore;
beforeEach(() => {
  files = createTestStore();
  files.store.close();
});
afterEach(() => {
  files.close();
});

/** The ids that the file holds, and whether it is whole. */
function inspect(): { ids: unknown[]; outbox: unknown[]; live: unknown } {
  const db = new Database(files.file);
  try {
    expect(db.pragma("integrity_check", { simple: true })).toBe("ok");
    db.exec("INSERT INTO history_fts (history_fts, rank) VALUES ('integrity-check', 1)");
    const column = (sql: string): unknown[] => db.prepare(sql).pluck().all();
    return {
      ids: column("SELECT id FROM history ORDER BY seq"),
      outbox: column("SELECT record_id FROM outbox ORDER BY seq"),
      live: column("SELECT live FROM counts")[0],
    };
  } finally {
    db.close();
  }
}

test("when the file may not grow, writes are refused with HD_STORAGE and nothing acknowledged is lost", async () => {
  const db = new Database(files.file);
  db.pragma(`max_page_count = ${(db.pragma("page_count", { simple: true }) as number) + 30}`);
  const clock = createHybridClock({ now: () => 1000, node: "aaaaaaaaaaaa" });
  const writer = createWriter(db, { clock, monotonicMs: () => 0, onCommit: () => undefined });
  const acknowledged: string[] = [];
  const refusals: unknown[] = [];

  async function add(id: string, bytes: number): Promise<void> {
    try {
      await writer.run((tx) => {
        tx.records.put({ version: entryVersion(id, { command: "x".repeat(bytes) }), rev: null, base: null });
        tx.outbox.add({ kind: "history", id }, 1);
      });
      acknowledged.push(id);
    } catch (error) {
      refusals.push(error);
    }
  }

  for (let group = 0; group < 20; group++) {
    await Promise.all([0, 1, 2, 3].map((each) => add(`${group}-${each}`, 3000)));
  }
  expect(acknowledged.length).toBeGreaterThan(4);
  expect(refusals.length).toBeGreaterThan(4);
  for (const refusal of refusals) {
    expect(refusal).toMatchObject({ code: "HD_STORAGE", message: expect.stringContaining("full") });
  }

  // Space again: the writer goes on as if nothing had been.
  db.pragma("max_page_count = 1000000");
  await add("after", 3000);
  expect(acknowledged.at(-1)).toBe("after");
  writer.close();
  db.close();
  expect(inspect()).toEqual({ ids: acknowledged, outbox: acknowledged, live: acknowledged.length });
});

test("when the disk takes no more of the log, the same holds: the refusal comes at the commit", async () => {
  const module = (name: string) => JSON.stringify(pathToFileURL(join(packageRoot, "dist/daemon", name)).href);
  // No file of this process may grow past 1 MB: the log reaches that, as it would reach the end of a disk.
  const filler = await startProcess("/bin/sh", [
    "-c",
    'ulimit -f 2000 && exec "$0" --input-type=module -e "$1"',
    process.execPath,
    `import { createHybridClock } from ${module("core/hlc.js")};
     import { openStore } from ${module("store/store.js")};
     const store = openStore({
       file: ${JSON.stringify(files.file)}, migrations: ${JSON.stringify(cacheMigrations)}, backups: "none",
       newIncarnation: () => "i", monotonicMs: () => 0,
       clock: () => createHybridClock({ now: () => 1000, node: "aaaaaaaaaaaa" }),
     });
     for (let number = 0; number < 60; number++) {
       const version = ${JSON.stringify(entryVersion("id", { command: "x".repeat(20_000) }))};
       version.id = "id-" + number;
       await store.write.run((tx) => {
         tx.records.put({ version, rev: null, base: null });
         tx.outbox.add({ kind: "history", id: version.id }, 1);
       }).then(() => console.log("ok", version.id), (error) => console.log("refused", error.code));
     }
     process.kill(process.pid, "SIGKILL");`,
  ]);
  await filler.exited;
  const acknowledged = filler.stdout.filter((line) => line.startsWith("ok ")).map((line) => line.slice(3));
  const refusals = filler.stdout.filter((line) => line.startsWith("refused"));
  expect(acknowledged.length, filler.stderr.join("\n")).toBeGreaterThan(4);
  expect(new Set(refusals)).toEqual(new Set(["refused HD_STORAGE"]));
  expect(inspect()).toEqual({ ids: acknowledged, outbox: acknowledged, live: acknowledged.length });
});
