import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { type Db, StorageError } from "./database.ts";

/** One numbered file of migrations/cache. */
export interface Migration {
  version: number;
  file: string;
  sql: string;
}

/** Reads `NNNN_name.sql` files in order. @throws when a number is missing or taken twice */
export function readMigrations(folder: string): Migration[] {
  const migrations = readdirSync(folder)
    .filter((file) => file.endsWith(".sql"))
    .toSorted()
    .map((file) => ({
      version: Number.parseInt(file, 10),
      file,
      sql: readFileSync(path.join(folder, file), "utf8"),
    }));
  for (const [index, migration] of migrations.entries()) {
    if (migration.version !== index + 1) {
      throw new Error(
        `${folder}: expected number ${index + 1} at ${migration.file}; migrations are numbered 0001, 0002, … without gaps`,
      );
    }
  }
  return migrations;
}

export function schemaVersion(db: Db): number {
  return db.pragma("user_version", { simple: true }) as number;
}

/**
 * Brings the database to the newest schema, in one transaction. A database that already holds data is copied first.
 *
 * @param backupFolder where the copy of the database as it was goes
 * @returns the version it came from and, where there was one, the backup's path
 * @throws StorageError `HD_FOREIGN_CACHE` for another program's database, `HD_NEWER_CACHE` for one of a newer historyd,
 *   `HD_MIGRATION_FAILED` when a migration fails; the database is then unchanged
 */
export function migrate(
  db: Db,
  migrations: readonly Migration[],
  backupFolder: string,
): { from: number; to: number; backup: string | null } {
  const from = schemaVersion(db);
  const to = migrations.length;
  refuseForeign(db, from);
  if (from > to) {
    throw new StorageError(
      "HD_NEWER_CACHE",
      `${db.name} has schema version ${from}, this historyd knows ${to}: it was written by a newer historyd. ` +
        "Install that version again, or start with another HISTORYD_HOME",
    );
  }
  if (from === to) return { from, to, backup: null };

  const backup = from === 0 ? null : backUp(db, backupFolder, from);
  const pending = migrations.slice(from);
  let current = pending[0]!;
  try {
    db.transaction(() => {
      for (current of pending) db.exec(current.sql);
      db.pragma(`user_version = ${to}`);
    }).immediate();
  } catch (cause) {
    throw new StorageError(
      "HD_MIGRATION_FAILED",
      `${db.name}: migration ${current.file} failed (${(cause as Error).message}); the database is as it was` +
        (backup === null ? "" : `, and a copy of it is in ${backup}`),
      { cause },
    );
  }
  return { from, to, backup };
}

/** Tables that every schema has. */
const OURS = ["meta", "history"];

/** Our tables must not come to stand among somebody else's. */
function refuseForeign(db: Db, version: number): void {
  const tables = db
    .prepare<[], string>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'",
    )
    .pluck()
    .all();
  if (version === 0 ? tables.length === 0 : OURS.every((name) => tables.includes(name))) return;
  const found =
    tables.length === 0 ? "no tables" : `tables of another program (${tables.slice(0, 3).join(", ")})`;
  throw new StorageError(
    "HD_FOREIGN_CACHE",
    `${db.name}: expected a cache of historyd or a new file, found ${found}; nothing was changed in it. ` +
      "Move it away, or start with another HISTORYD_HOME",
  );
}

function backUp(db: Db, folder: string, version: number): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, `cache-v${version}.db`);
  // Only a whole copy may stand under the final name; a leftover of an interrupted try is not one. The copy of an
  // earlier try is replaced: since then more may have been recorded.
  const partial = `${file}.partial`;
  rmSync(partial, { force: true });
  db.prepare("VACUUM INTO ?").run(partial);
  chmodSync(partial, 0o600);
  renameSync(partial, file);
  return file;
}
