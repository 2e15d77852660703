import { closeSync, openSync } from "node:fs";
import Database from "better-sqlite3";
import { StorageError } from "./database.ts";

/** A lock that the operating system lets go of when the process ends, however it ends. */
export interface HomeLock {
  release(): void;
}

/**
 * Makes sure that one daemon at a time owns a home folder, also where two have different sockets. Node has no file
 * locks; SQLite does, and they are real ones: the lock is an open write transaction on a database of its own.
 * @throws StorageError `HD_ALREADY_RUNNING` with the pid of the owner
 */
export function lockHome(file: string, pid: number): HomeLock {
  closeSync(openSync(file, "a", 0o600));
  const db = new Database(file, { timeout: 0 });
  try {
    // A rollback journal in memory: no second file beside the lock.
    db.pragma("journal_mode = MEMORY");
    db.exec(
      "CREATE TABLE IF NOT EXISTS owner (one INTEGER PRIMARY KEY CHECK (one = 1), pid INTEGER NOT NULL)",
    );
    db.prepare("INSERT INTO owner VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET pid = excluded.pid").run(pid);
    // Others may still read who it is.
    db.exec("BEGIN IMMEDIATE");
  } catch (cause) {
    const owner = readOwner(db);
    db.close();
    if (!isBusy(cause)) throw cause;
    throw new StorageError(
      "HD_ALREADY_RUNNING",
      `another historyd${owner} is running in this home folder (${file} is locked); stop it first, or set HISTORYD_HOME`,
      { cause },
    );
  }
  return {
    release() {
      db.exec("ROLLBACK");
      db.close();
    },
  };
}

function readOwner(db: Database.Database): string {
  try {
    const pid = db.prepare("SELECT pid FROM owner").pluck().get();
    return typeof pid === "number" ? ` (pid ${pid})` : "";
  } catch {
    // It is starting at this very moment: nothing is lost by not knowing its number.
    return "";
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_BUSY");
}
