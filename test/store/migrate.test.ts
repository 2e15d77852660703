import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createAuditReads } from "../../daemon/store/audit.ts";
import { createConflictReads } from "../../daemon/store/conflict-reads.ts";
import { type Db, openForWriting } from "../../daemon/store/database.ts";
import { type Migration, migrate, readMigrations, schemaVersion } from "../../daemon/store/migrate.ts";
import { createRecordReads } from "../../daemon/store/records.ts";
import { cacheMigrations, createTestStore } from "../support/store.ts";
import { tempDir, type TempDir } from "../support/temp.ts";
import { dumpAll, dumpSchema } from "./dump.ts";

const migrations = readMigrations(cacheMigrations);
const newest = migrations.length;

let temp: TempDir;
let db: Db;
let backups: string;
beforeEach(() => {
  temp = tempDir("historyd-migrate");
  db = openForWriting(join(temp.path, "cache.db"));
  backups = join(temp.path, "backups");
});
afterEach(() => {
  db.close();
  temp.remove();
});

/** An entry in the columns that every schema has had. */
function addEntry(id: string): void {
  db.exec(`
    INSERT INTO machines (key, id) VALUES (1, 'm') ON CONFLICT DO NOTHING;
    INSERT INTO history (id, kind, command, scope, machine, timestamp, created_at, editor, hlc)
      VALUES ('${id}', 'command', 'echo ${id}', 'global', 1, 5, 5, 1, '000000000005-0000-aaaaaaaaaaaa');
    INSERT INTO outbox (kind, record_id, queued_at) VALUES ('history', '${id}', 5);
  `);
}

function idsIn(file: string): unknown {
  const copy = new Database(file, { readonly: true });
  try {
    expect(copy.pragma("integrity_check", { simple: true })).toBe("ok");
    return copy.prepare("SELECT id FROM history ORDER BY seq").pluck().all();
  } finally {
    copy.close();
  }
}

describe("bringing a cache to the newest schema", () => {
  test("makes a new one without a backup", () => {
    expect(migrate(db, migrations, backups)).toEqual({ from: 0, to: newest, backup: null });
    expect(schemaVersion(db)).toBe(newest);
    expect(existsSync(backups)).toBe(false);
  });

  test("changes nothing in one that is there", () => {
    migrate(db, migrations, backups);
    addEntry("one");
    const before = dumpAll(db);
    expect(migrate(db, migrations, backups)).toEqual({ from: newest, to: newest, backup: null });
    expect(dumpAll(db)).toEqual(before);
    expect(existsSync(backups)).toBe(false);
  });

  // Grows by itself: every schema that was ever released is a prefix of the migrations.
  test.each(migrations.map((_, index) => index + 1))("keeps what schema %i holds", (version) => {
    const fresh = new Database(":memory:");
    for (const { sql } of migrations) fresh.exec(sql);
    const expected = dumpSchema(fresh);
    fresh.close();

    migrate(db, migrations.slice(0, version), backups);
    addEntry("one");
    addEntry("two");
    const { backup } = migrate(db, migrations, backups);
    expect(dumpSchema(db)).toBe(expected);
    expect(schemaVersion(db)).toBe(newest);
    expect(db.prepare("SELECT id, command FROM history_cache ORDER BY id").raw().all()).toEqual([
      ["one", "echo one"],
      ["two", "echo two"],
    ]);
    expect(db.prepare("SELECT record_id FROM outbox ORDER BY seq").pluck().all()).toEqual(["one", "two"]);
    db.exec("INSERT INTO history_fts (history_fts, rank) VALUES ('integrity-check', 1)");
    expect(backup === null ? null : idsIn(backup)).toEqual(version === newest ? null : ["one", "two"]);
  });
});

test("from schema 1, conflicts stay open and what is erased leaves the search index", () => {
  migrate(db, migrations.slice(0, 1), backups);
  addEntry("one");
  db.exec(`
    INSERT INTO history_fts (rowid, command, response, note, tags)
      SELECT seq, command, response, note, tags FROM history;
    UPDATE search_index SET upto = 1;
    INSERT INTO conflicts (id, record_id, record_kind, field, local_value, remote_value, local_clock, remote_clock,
        local_machine, remote_machine, winner, decided_by, scope, machine, timestamp, editor, hlc, rev)
      VALUES ('c', 'one', 'history', 'note', '"ours"', '"theirs"', '000000000001-0000-aaaaaaaaaaaa',
        '000000000002-0000-bbbbbbbbbbbb', 'm', 'n', 'remote', 'last_write_wins', 'global', 1, 7, 1,
        '000000000003-0000-aaaaaaaaaaaa', 4);
  `);
  migrate(db, migrations, backups);

  const stored = createRecordReads(db).get("conflict", "c");
  expect(stored).toMatchObject({
    rev: 4,
    version: { fields: { local_value: "ours", omitted: null, resolved_at: null, resolution: null } },
  });
  expect(createConflictReads(db).list({ state: "open" }, 10, null).conflicts).toMatchObject([
    { id: "c", record_id: "one", remote_value: "theirs", omitted: [], record_summary: "echo one" },
  ]);
  expect(createAuditReads(db).list({}, 10, null)).toEqual({ events: [], next: null });
  db.exec("UPDATE history SET command = ''");
  // Not merely marked as deleted, to go when segments are merged one day.
  const blocks = db.prepare<[], Buffer>("SELECT block FROM history_fts_data").pluck().all();
  expect(blocks.some((block) => block.includes("echo"))).toBe(false);
  db.exec("INSERT INTO history_fts (history_fts, rank) VALUES ('integrity-check', 1)");
});

test("a cache of a newer historyd is refused, and the file is not touched", () => {
  const home = tempDir("historyd-newer");
  createTestStore({ home: home.path }).close();
  const file = join(home.path, "cache.db");
  const newer = new Database(file);
  newer.pragma(`user_version = ${newest + 1}`);
  newer.close();
  const before = readFileSync(file);

  expect(() => createTestStore({ home: home.path })).toThrow(
    expect.objectContaining({
      name: "StorageError",
      code: "HD_NEWER_CACHE",
      message: expect.stringContaining(`schema version ${newest + 1}, this historyd knows ${newest}`),
    }),
  );
  expect(readFileSync(file).equals(before)).toBe(true);
  expect(readdirSync(home.path)).toEqual(["cache.db"]);
  home.remove();
});

describe("a migration that fails", () => {
  const broken: Migration = {
    version: newest + 1,
    file: "broken.sql",
    sql: "ALTER TABLE history ADD COLUMN mood TEXT; UPDATE history SET note = 'x'; SELECT no_such_function();",
  };
  const good: Migration = { ...broken, file: "good.sql", sql: "ALTER TABLE history ADD COLUMN mood TEXT" };
  const fail = () => migrate(db, [...migrations, broken], backups);

  beforeEach(() => {
    migrate(db, migrations, backups);
    addEntry("one");
  });

  test("leaves everything as it was, and says which file it was", () => {
    const before = dumpAll(db);
    expect(fail).toThrow(
      expect.objectContaining({
        code: "HD_MIGRATION_FAILED",
        message: expect.stringContaining("broken.sql"),
      }),
    );
    expect(dumpAll(db)).toEqual(before);
    expect(db.inTransaction).toBe(false);
  });

  test("undoes the good ones before it as well", () => {
    const before = dumpAll(db);
    const after = { ...broken, version: newest + 2 };
    expect(() => migrate(db, [...migrations, good, after], backups)).toThrow(/broken\.sql/);
    expect(dumpAll(db)).toEqual(before);
  });

  test("leaves a copy that opens, has the data and is the user's alone", () => {
    expect(fail).toThrow(/a copy of it is in/);
    const copy = join(backups, `cache-v${newest}.db`);
    expect(readdirSync(backups)).toEqual([`cache-v${newest}.db`]);
    expect(idsIn(copy)).toEqual(["one"]);
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    expect(statSync(backups).mode & 0o777).toBe(0o700);
  });

  test("tried again after more was recorded, leaves a copy that has that too", () => {
    expect(fail).toThrow(/broken\.sql/);
    addEntry("two");
    expect(fail).toThrow(/broken\.sql/);
    expect(idsIn(join(backups, `cache-v${newest}.db`))).toEqual(["one", "two"]);
  });

  test("leaves no half copy under the copy's name when the copying was interrupted", () => {
    mkdirSync(backups);
    writeFileSync(join(backups, `cache-v${newest}.db.partial`), "half a copy");
    expect(migrate(db, [...migrations, good], backups).backup).toBe(join(backups, `cache-v${newest}.db`));
    expect(readdirSync(backups)).toEqual([`cache-v${newest}.db`]);
    expect(idsIn(join(backups, `cache-v${newest}.db`))).toEqual(["one"]);
  });
});

describe("the folder of migrations", () => {
  test("is read in the order of the numbers", () => {
    for (const name of ["0002_b.sql", "0001_a.sql", "README.md"]) writeFileSync(join(temp.path, name), name);
    expect(readMigrations(temp.path)).toEqual([
      { version: 1, file: "0001_a.sql", sql: "0001_a.sql" },
      { version: 2, file: "0002_b.sql", sql: "0002_b.sql" },
    ]);
  });

  test.each([["0002_a.sql"], ["0001_a.sql", "0003_b.sql"], ["0001_a.sql", "0001_b.sql"], ["first.sql"]])(
    "with a number missing or taken twice is refused: %s %s",
    (...names) => {
      for (const name of names) writeFileSync(join(temp.path, name), "");
      expect(() => readMigrations(temp.path)).toThrow(/without gaps/);
    },
  );

  test("works from a copy elsewhere, as it is installed", () => {
    for (const { file } of migrations) copyFileSync(join(cacheMigrations, file), join(temp.path, file));
    expect(migrate(db, readMigrations(temp.path), backups).to).toBe(newest);
  });
});
