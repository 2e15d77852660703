import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Db, openForReading, openForWriting } from "../../daemon/store/database.ts";
import { tempDir, type TempDir } from "../support/temp.ts";

let temp: TempDir;
let file: string;
let open: Db[];
beforeEach(() => {
  temp = tempDir("historyd-db");
  file = join(temp.path, "cache.db");
  open = [];
});
afterEach(() => {
  for (const db of open) db.close();
  temp.remove();
});

function opened(db: Db): Db {
  open.push(db);
  return db;
}

const settings = (db: Db) =>
  Object.fromEntries(
    ["journal_mode", "synchronous", "foreign_keys", "query_only"].map((name) => [
      name,
      db.pragma(name, { simple: true }),
    ]),
  );

test("the database and its log are the user's alone, whatever the umask", () => {
  const before = process.umask(0);
  try {
    const db = opened(openForWriting(file));
    db.exec("CREATE TABLE t (x)");
  } finally {
    process.umask(before);
  }
  for (const name of ["", "-wal", "-shm"]) expect(statSync(`${file}${name}`).mode & 0o777).toBe(0o600);
});

describe("every commit reaches the disk", () => {
  test("on a new file", () => {
    expect(settings(opened(openForWriting(file)))).toEqual({
      journal_mode: "wal",
      synchronous: 2,
      foreign_keys: 1,
      query_only: 0,
    });
  });

  test("on a file that has a log already, which SQLite by itself would open with less", () => {
    opened(openForWriting(file)).exec("CREATE TABLE t (x)");
    const other = opened(new Database(file));
    other.prepare("SELECT * FROM t").all();
    expect(other.pragma("synchronous", { simple: true })).toBe(1);

    expect(settings(opened(openForWriting(file)))).toMatchObject({ journal_mode: "wal", synchronous: 2 });
    expect(settings(opened(openForReading(file)))).toMatchObject({ journal_mode: "wal", synchronous: 2 });
  });

  test("on a file that another program made with a rollback journal", () => {
    const other = new Database(file);
    other.exec("CREATE TABLE t (x)");
    other.close();
    expect(settings(opened(openForWriting(file)))).toMatchObject({ journal_mode: "wal", synchronous: 2 });
  });
});

describe("a database that cannot be durable is refused", () => {
  test("where SQLite keeps another journal without saying so", () => {
    // In memory there is no log to write ahead; SQLite answers "memory" and goes on.
    const before = process.cwd();
    process.chdir(temp.path);
    try {
      expect(() => openForWriting(":memory:")).toThrow(
        expect.objectContaining({ name: "StorageError", code: "HD_NOT_DURABLE" }),
      );
    } finally {
      process.chdir(before);
    }
  });

  test("for readers as well, who cannot change the journal", () => {
    const other = opened(new Database(file));
    other.exec("CREATE TABLE t (x)");
    expect(() => openForReading(file)).toThrow(
      expect.objectContaining({ code: "HD_NOT_DURABLE", message: expect.stringContaining(file) }),
    );
  });

  test("where another program holds it with a rollback journal", () => {
    const other = opened(new Database(file));
    other.exec("CREATE TABLE t (x); BEGIN IMMEDIATE; INSERT INTO t VALUES (1)");
    expect(() => openForWriting(file)).toThrow(
      expect.objectContaining({
        code: "HD_STORAGE",
        message: expect.stringContaining(`${file} cannot be opened`),
      }),
    );
    other.exec("COMMIT");
    expect(other.pragma("journal_mode", { simple: true })).toBe("delete");
  });
});

test("what is no database is refused by name, and left as it is", () => {
  const text = "a letter, not a database. ".repeat(200);
  writeFileSync(file, text);
  expect(() => openForWriting(file)).toThrow(
    expect.objectContaining({ code: "HD_STORAGE", message: expect.stringContaining(file) }),
  );
  expect(readFileSync(file, "utf8")).toBe(text);
  expect(existsSync(`${file}-wal`)).toBe(false);
});

test("a reader can write nothing", () => {
  opened(openForWriting(file)).exec("CREATE TABLE t (x)");
  const reader = opened(openForReading(file));
  expect(() => reader.exec("INSERT INTO t VALUES (1)")).toThrow(/readonly/);
  expect(settings(reader)).toMatchObject({ query_only: 1 });
});
