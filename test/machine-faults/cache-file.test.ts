import {
  chmodSync,
  chownSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { checkCache } from "../support/cache-check.ts";
import { isRoot } from "../support/small-disk.ts";
import { expectAllKept, expectRefused, makeHistory, newHome, start } from "./history.ts";

function makeForeign(file: string, version: number): void {
  const db = new Database(file);
  db.exec("CREATE TABLE invoices (x); INSERT INTO invoices VALUES (1)");
  db.pragma(`user_version = ${version}`);
  db.close();
  chmodSync(file, 0o600);
}

describe("what is no cache is refused and left alone, and the cache is found again when it is back", () => {
  it.each<[string, RegExp, (file: string) => void]>([
    ["a folder", /cache\.db: expected a plain file, .*; move it away$/, (file) => mkdirSync(file)],
    [
      "a link",
      /cache\.db: expected a plain file, .*; move it away$/,
      (file) => symlinkSync("/dev/null", file),
    ],
    [
      "some text",
      /cache\.db cannot be opened: file is not a database/,
      (file) => writeFileSync(file, "a letter, not a database. ".repeat(500), { mode: 0o600 }),
    ],
    [
      "another program's database",
      /cache\.db: expected a cache of historyd .*another program \(invoices\).*Move it away/,
      (file) => makeForeign(file, 0),
    ],
    [
      "another program's database, which counts its versions as we do",
      /cache\.db: expected a cache of historyd .*another program \(invoices\).*Move it away/,
      (file) => makeForeign(file, 1),
    ],
  ])("%s", async (_, line, put) => {
    const history = await makeHistory({ end: "stop", count: 5 });
    renameSync(history.cache, `${history.cache}.kept`);
    put(history.cache);
    // A journal mode is in the file's header: of a database only the content stays the same.
    await expectRefused(history.home, line);
    rmSync(history.cache, { recursive: true });
    renameSync(`${history.cache}.kept`, history.cache);
    await expectAllKept(history.home, history);
  });
});

it("tables of ours never come to stand among another program's", async () => {
  const home = newHome();
  makeForeign(`${home}/cache.db`, 0);
  await expectRefused(home, /another program/);
  const foreign = new Database(`${home}/cache.db`);
  const names = foreign.prepare("SELECT name FROM sqlite_schema").pluck().all();
  const rows = foreign.prepare("SELECT x FROM invoices").pluck().all();
  foreign.close();
  expect([names, rows]).toEqual([["invoices"], [1]]);
});

it("a cache of no bytes, as a crash at its creation leaves it, is a new one", async () => {
  const { home, cache } = await makeHistory({ end: "stop", count: 1 });
  truncateSync(cache, 0);
  const daemon = await start(home);
  expect(await daemon.request("POST", "/v1/history", { command: "first" })).toMatchObject({ status: 201 });
  expect(checkCache(home).commands).toEqual(["first"]);
});

describe("whose access is wrong", () => {
  it("others may write to it: refused, until somebody has looked", async () => {
    const history = await makeHistory({ end: "stop", count: 5 });
    chmodSync(history.cache, 0o666);
    await expectRefused(history.home, /others can write to it \(mode 0666\); .*chmod 600 /, [history.cache]);
    chmodSync(history.cache, 0o600);
    await expectAllKept(history.home, history);
  });

  it.skipIf(!isRoot)("a file of somebody else is refused (skipped: needs root)", async () => {
    const history = await makeHistory({ end: "stop", count: 5 });
    chownSync(history.cache, 54_321, 54_321);
    await expectRefused(history.home, /cache\.db: belongs to user 54321, .*chown 0 /, [history.cache]);
    chownSync(history.cache, 0, 0);
    await expectAllKept(history.home, history);
  });
});

describe("the file of the lock", () => {
  it.each<[string, (file: string) => void]>([
    ["is a folder", (file) => mkdirSync(file)],
    ["is damaged", (file) => writeFileSync(file, "not a lock. ".repeat(500), { mode: 0o600 })],
  ])("%s: refused by name", async (_, put) => {
    const history = await makeHistory({ end: "stop", count: 5 });
    const lock = `${history.home}/historyd.lock`;
    rmSync(lock);
    put(lock);
    await expectRefused(history.home, /historyd\.lock cannot be locked \(.*\): expected .*remove it/, [
      history.cache,
    ]);
    rmSync(lock, { recursive: true });
    await expectAllKept(history.home, history);
  });
});
