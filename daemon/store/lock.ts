import { closeSync, openSync } from "node:fs";
import Database from "better-sqlite3";
import { isBusy, StorageError } from "./database.ts";

/** A lock that the operating system lets go of when the process ends, however it ends. */
export interface HomeLock {
  release(): void;
}

/**
 * How long to wait for others who only ask, or who start at this very moment; an owner never lets go. Without it two
 * that start together can each take the other for the owner, and neither runs.
 */
const PATIENCE_MS = 500;

/**
 * Makes sure that one daemon at a time owns a home folder, also where two have different sockets. Node has no file
 * locks; SQLite does, and they are real ones: the lock is an open write transaction on a database of its own.
 * @throws StorageError `HD_ALREADY_RUNNING` with the pid of the owner, `HD_STORAGE` where nothing can be written there
 */
export function lockHome(file: string, pid: number): HomeLock {
  try {
    return takeLock(file, pid);
  } catch (cause) {
    if (cause instanceof StorageError) throw cause;
    throw new StorageError(
      "HD_STORAGE",
      `${file} cannot be locked (${(cause as Error).message}): expected a folder that can be written to, with room on its disk; ` +
        "where only this file is damaged, remove it and start again; or set HISTORYD_HOME",
      { cause },
    );
  }
}

function takeLock(file: string, pid: number): HomeLock {
  closeSync(openSync(file, "a", 0o600));
  const db = new Database(file, { timeout: PATIENCE_MS });
  try {
    do {
      if (db.inTransaction) db.exec("ROLLBACK");
      db.transaction(() => {
        db.exec(
          "CREATE TABLE IF NOT EXISTS owner (one INTEGER PRIMARY KEY CHECK (one = 1), pid INTEGER NOT NULL)",
        );
        db.prepare("INSERT INTO owner VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET pid = excluded.pid").run(
          pid,
        );
      }).immediate();
      // Others may still read who it is.
      db.exec("BEGIN IMMEDIATE");
      // Somebody may have written their name between the two transactions.
    } while (ownerPid(db) !== pid);
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

function ownerPid(db: Database.Database): number {
  return db.prepare("SELECT pid FROM owner").pluck().get() as number;
}

function readOwner(db: Database.Database): string {
  try {
    return ` (pid ${ownerPid(db)})`;
  } catch {
    // It is starting at this very moment: nothing is lost by not knowing its number.
    return "";
  }
}
