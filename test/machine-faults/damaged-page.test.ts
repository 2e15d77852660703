import {
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { beforeEach, describe, expect, it } from "vitest";
import { startProgram } from "../daemon/program.ts";
import { requestOn } from "../support/daemon.ts";
import { expectAllKept, expectRefused, type History, makeHistory, stackTraceIn } from "./history.ts";

const PAGE_BYTES = 4096;

let history: History;
let whole: string;
beforeEach(async () => {
  history = await makeHistory({ end: "stop", count: 60 });
  whole = `${history.cache}.whole`;
  copyFileSync(history.cache, whole);
});

/** @param page counted from 1, as SQLite does */
function damagePage(file: string, page: number): void {
  const fd = openSync(file, "r+");
  writeSync(fd, Buffer.alloc(PAGE_BYTES, 0xa5), 0, PAGE_BYTES, (page - 1) * PAGE_BYTES);
  closeSync(fd);
}

function rootPage(file: string, name: string): number {
  const db = new Database(file, { readonly: true });
  try {
    return db
      .prepare<[string], number>("SELECT rootpage FROM sqlite_schema WHERE name = ?")
      .pluck()
      .get(name)!;
  } finally {
    db.close();
  }
}

/** What is asked for, or the plain word that there is none; never half of it. */
async function readOrRefused(socket: string, path: string) {
  const { status, body } = await requestOn(socket, "GET", path);
  if (status === 200) return body;
  expect({ path, status, body }).toMatchObject({
    status: 503,
    body: {
      code: "HD_STORAGE",
      message: expect.stringMatching(/^the cache cannot be read: .*move cache\.db/),
    },
  });
  return null;
}

async function expectHonestAnswers(socket: string): Promise<void> {
  await readOrRefused(socket, "/v1/health");
  await readOrRefused(socket, "/v1/status");
  await readOrRefused(socket, "/v1/search?q=kept");
  const list = await readOrRefused(socket, "/v1/history?limit=1000");
  if (list !== null) expect(list.entries).toHaveLength(history.acknowledged.size);
  for (const [id, command] of history.acknowledged) {
    const entry = await readOrRefused(socket, `/v1/history/${id}`);
    if (entry !== null) expect(entry.command).toBe(command);
  }
  const { status, body } = await requestOn(socket, "POST", "/v1/history", { command: "new" });
  if (status === 201) {
    expect((await requestOn(socket, "GET", `/v1/history/${body.id}`)).body.command).toBe("new");
  } else {
    const message = expect.stringMatching(
      /could not be written: .*; nothing of this request was stored$/,
    ) as string;
    expect({ status, body }).toMatchObject({ status: 503, body: { code: "HD_STORAGE", message } });
  }
}

describe("a page is overwritten: what it holds is refused by name, and nothing is left out", () => {
  it.each<[string, (file: string) => number]>([
    ...[
      "meta",
      "machines",
      "history",
      "sqlite_autoindex_history_1",
      "history_by_time",
      "history_fts_data",
      "history_fts_config",
      "search_index",
      "counts",
      "outbox",
    ].map((name): [string, (file: string) => number] => [`of ${name}`, (file) => rootPage(file, name)]),
    ["in the middle", (file) => Math.floor(statSync(file).size / PAGE_BYTES / 2)],
    ["near the end", (file) => Math.floor((statSync(file).size / PAGE_BYTES) * 0.9)],
  ])("%s", async (_, choosePage) => {
    damagePage(history.cache, choosePage(history.cache));
    const before = readFileSync(history.cache);
    const running = await startProgram(history.home);
    const ready = await running.waitForLine(/historyd is ready/).then(
      () => true,
      () => false,
    );
    if (ready) {
      await expectHonestAnswers(join(history.home, "run/historyd.sock"));
      expect(stackTraceIn(running)).toBeUndefined();
      await running.stop();
    } else {
      expect(await running.exited).toEqual({ code: 1, signal: null });
      expect(running.stderr).toEqual([
        expect.stringMatching(/^historyd: .*cache\.db cannot be (opened|used): /),
      ]);
      expect(readFileSync(history.cache).equals(before)).toBe(true);
    }
    // Somebody has a copy: nothing beside the file stands in its way.
    writeFileSync(history.cache, readFileSync(whole));
    await expectAllKept(history.home, history);
  });
});

describe("the start is refused, and the file is kept as it is", () => {
  it.each<[string, RegExp, (file: string) => void]>([
    [
      "its first page is overwritten",
      /cache\.db cannot be opened: file is not a database/,
      (file) => damagePage(file, 1),
    ],
    [
      "its second half is gone",
      /cache\.db cannot be opened: database disk image is malformed/,
      (file) => truncateSync(file, (statSync(file).size >> 13) * PAGE_BYTES),
    ],
  ])("%s", async (_, line, damage) => {
    damage(history.cache);
    await expectRefused(history.home, line, [history.cache]);
    writeFileSync(history.cache, readFileSync(whole));
    await expectAllKept(history.home, history);
  });
});
