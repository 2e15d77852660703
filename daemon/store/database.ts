import { closeSync, openSync } from "node:fs";
import Database from "better-sqlite3";

export type Db = Database.Database;

/** The cache cannot be opened or used. The message says which file, what is wrong and what to do. */
export class StorageError extends Error {
  override readonly name = "StorageError";
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * How long a statement may wait for another process's lock. Waiting blocks the event loop, so it is short; the
 * writer tries again by itself.
 */
const BUSY_TIMEOUT_MS = 100;

/**
 * Pages of write-ahead log after which they are copied into the database: 16 MB. The same pages (the ends of indexes)
 * are written again and again, and each copy of them that a longer log saves is time for other work.
 */
const CHECKPOINT_PAGES = 4000;

/** Bytes of write-ahead log kept on disk after a checkpoint; a burst may make it larger for a while. */
const JOURNAL_SIZE_LIMIT = 16 * 1024 * 1024;

/** Opens (and creates, mode 0600) the database file for writing, durably: every commit reaches the disk. */
export function openForWriting(file: string): Db {
  // SQLite gives its -wal and -shm files the mode of the database file.
  closeSync(openSync(file, "a", 0o600));
  const db = open(file, {});
  db.pragma("foreign_keys = ON");
  // What is purged must not stay in the file, in pages that are free.
  db.pragma("secure_delete = ON");
  return db;
}

/** Opens an existing database for reading only. */
export function openForReading(file: string): Db {
  const db = open(file, { readonly: true });
  db.pragma("query_only = ON");
  return db;
}

function open(file: string, options: Database.Options): Db {
  const db = new Database(file, { timeout: BUSY_TIMEOUT_MS, ...options });
  try {
    if (!db.readonly) db.pragma("journal_mode = WAL");
    // SQLite falls back to NORMAL whenever it finds an existing WAL: it must be set on every connection.
    db.pragma("synchronous = FULL");
    db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    db.pragma(`journal_size_limit = ${JOURNAL_SIZE_LIMIT}`);
    db.pragma("temp_store = MEMORY");
    // What is purged must not stay in the file, in pages that are free.
    if (!db.readonly) db.pragma("secure_delete = ON");
    assertDurable(db, file);
    return db;
  } catch (error) {
    db.close();
    if (error instanceof StorageError) throw error;
    throw new StorageError("HD_STORAGE", `${file} cannot be opened: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Acknowledged writes survive power loss only with both of these; anything else is refused. */
function assertDurable(db: Db, file: string): void {
  const journal = db.pragma("journal_mode", { simple: true });
  const synchronous = db.pragma("synchronous", { simple: true });
  if (journal !== "wal" || synchronous !== 2) {
    throw new StorageError(
      "HD_NOT_DURABLE",
      `${file}: expected journal_mode wal and synchronous 2 (FULL), got ${String(journal)} and ${String(synchronous)}; ` +
        "is the folder on a network file system? Put HISTORYD_HOME on a local disk",
    );
  }
}

/** Whether another process holds a lock that this statement needs. */
export function isBusy(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_BUSY");
}
