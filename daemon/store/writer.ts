import type { HybridClock } from "../core/hlc.ts";
import { type AuditWrites, createAuditWrites } from "./audit.ts";
import { type Db, isBusy, StorageError } from "./database.ts";
import { createMachineWrites } from "./machines.ts";
import { createMarkWrites, type MarkWrites } from "./marks.ts";
import { createMetaWrites, type MetaWrites } from "./meta.ts";
import { createOutboxWrites, type OutboxWrites } from "./outbox.ts";
import { createReconciliationWrites, type ReconciliationWrites } from "./reconciliations.ts";
import { createRecordWrites, type RecordWrites } from "./records.ts";
import { createScrubber } from "./scrub.ts";
import { createSearchIndexWrites, type SearchIndexWrites } from "./search-index.ts";
import { createSetAsideWrites, type SetAsideWrites } from "./set-aside.ts";
import { createSpoolFileWrites, type SpoolFileWrites } from "./spool-files.ts";

/** Everything that may be written, inside one transaction. Using it after its transaction ended throws. */
export interface WriteTx {
  readonly records: RecordWrites;
  readonly outbox: OutboxWrites;
  readonly meta: MetaWrites;
  readonly setAside: SetAsideWrites;
  readonly marks: MarkWrites;
  readonly reconciliations: ReconciliationWrites;
  readonly audit: AuditWrites;
  readonly spoolFiles: SpoolFileWrites;
  readonly searchIndex: SearchIndexWrites;
  /** Stamps versions; what it stamped is persisted with the transaction. */
  readonly clock: HybridClock;
  /** Something was purged: once this is committed, no older copy of it stays in the write-ahead log. */
  readonly scrub: () => void;
}

/** The one writer of the cache. */
export interface Writer {
  /**
   * Runs `work` in a transaction and resolves with its result once that is on disk. Work that is asked for while
   * the event loop is busy shares one transaction, and so one flush to disk; each piece succeeds or fails alone.
   *
   * @param work synchronous; what it throws undoes its own writes only, and rejects. It may be run twice: where
   *   one piece of a group fails, the group is undone and run again piece by piece
   * @throws StorageError `HD_STORAGE` when the disk refuses, `HD_CLOSED` after `close`
   */
  run<T>(work: (tx: WriteTx) => T): Promise<T>;
  /** Commits what is queued and accepts no more. */
  close(): void;
}

interface Job {
  work: (tx: WriteTx) => unknown;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

/** Pieces of work in one transaction: bounds how long the event loop is held, and how much one failure undoes. */
const MAX_GROUP = 256;

/** Another process may hold the write lock (a backup tool, somebody's sqlite3): we try again this often, this long. */
const BUSY_PAUSE_MS = 25;
const BUSY_PATIENCE_MS = 5000;

export interface WriterOptions {
  clock: HybridClock;
  monotonicMs: () => number;
  /** Called after every commit. */
  onCommit: () => void;
}

export function createWriter(db: Db, { clock, monotonicMs, onCommit }: WriterOptions): Writer {
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const rollback = db.prepare("ROLLBACK");
  const savepoint = db.prepare("SAVEPOINT job");
  const release = db.prepare("RELEASE job");
  const undo = db.prepare("ROLLBACK TO job");

  const meta = createMetaWrites(db);
  const scrubber = createScrubber(db);
  const tx: WriteTx = guarded(db, {
    records: createRecordWrites(db, createMachineWrites(db)),
    outbox: createOutboxWrites(db),
    meta,
    setAside: createSetAsideWrites(db),
    marks: createMarkWrites(db),
    reconciliations: createReconciliationWrites(db),
    audit: createAuditWrites(db),
    spoolFiles: createSpoolFileWrites(db),
    searchIndex: createSearchIndexWrites(db),
    clock,
    scrub: scrubber.request,
  });

  let queue: Job[] = [];
  let scheduled = false;
  let closed = false;
  let busySince: number | null = null;

  function schedule(): void {
    if (scheduled || queue.length === 0) return;
    scheduled = true;
    // After the poll phase: every request that was readable in this turn of the loop has queued its work by then.
    setImmediate(flush);
  }

  function flush(): void {
    scheduled = false;
    const group = queue.slice(0, MAX_GROUP);
    if (group.length === 0) return;
    try {
      begin.run();
    } catch (error) {
      if (waitsForLock(error)) return;
      queue = queue.slice(group.length);
      rejectAll(group, error);
      // Whoever comes later waits for the holder of that time, and is given as long.
      if (queue.length === 0) busySince = null;
      schedule();
      return;
    }
    busySince = null;
    queue = queue.slice(group.length);
    commitGroup(group);
    schedule();
  }

  function waitsForLock(error: unknown): boolean {
    if (!isBusy(error) || closed) return false;
    busySince ??= monotonicMs();
    if (monotonicMs() - busySince > BUSY_PATIENCE_MS) return false;
    scheduled = true;
    setTimeout(flush, BUSY_PAUSE_MS);
    return true;
  }

  /** Runs the group in the transaction that is open. */
  function commitGroup(group: Job[]): void {
    let outcomes: (() => void)[] = [];
    try {
      const before = clock.last();
      try {
        outcomes = group.map(runJob);
      } catch (error) {
        if (!db.inTransaction) throw error;
        // A savepoint for each piece costs more than all its statements, so it is paid only where one failed.
        rollback.run();
        begin.run();
        outcomes = group.map(runJobApart);
      }
      if (clock.last() !== before) meta.set("hlc", clock.last());
      commit.run();
    } catch (error) {
      if (db.inTransaction) rollback.run();
      else if (waitsForLock(error)) {
        // Another process took the lock before the group could begin again.
        queue = [...group, ...queue];
        return;
      }
      rejectAll(group, error);
      return;
    }
    // First: whoever purged is told when it is gone.
    scrubber.noteCommit();
    for (const tell of outcomes) tell();
    onCommit();
  }

  function runJob(job: Job): () => void {
    const value = job.work(tx);
    return () => {
      job.resolve(value);
    };
  }

  function runJobApart(job: Job): () => void {
    savepoint.run();
    try {
      const tell = runJob(job);
      release.run();
      return tell;
    } catch (error) {
      // A full disk can have ended the whole transaction: then nothing of the group is kept.
      if (!db.inTransaction) throw error;
      undo.run();
      release.run();
      return () => {
        job.reject(toStorageError(db, error));
      };
    }
  }

  function rejectAll(group: Job[], error: unknown): void {
    for (const job of group) job.reject(toStorageError(db, error));
  }

  return {
    run<T>(work: (tx: WriteTx) => T): Promise<T> {
      if (closed) return Promise.reject(new StorageError("HD_CLOSED", "the cache is closed"));
      return new Promise<T>((resolve, reject) => {
        queue.push({ work, resolve: resolve as (value: unknown) => void, reject });
        schedule();
      });
    },
    close() {
      closed = true;
      while (queue.length > 0) flush();
      scrubber.stop();
    },
  };
}

/** Wraps every method so that it refuses to run outside a transaction. */
function guarded(db: Db, tx: WriteTx): WriteTx {
  const wrapped = Object.entries(tx).map(([name, part]) => [name, guardPart(db, part as Part)]);
  return Object.fromEntries(wrapped) as WriteTx;
}

type Method = (...args: unknown[]) => unknown;
type Part = Method | Record<string, Method>;

function guardPart(db: Db, part: Part): Part {
  if (typeof part === "function") return guardMethod(db, part);
  return Object.fromEntries(Object.entries(part).map(([name, method]) => [name, guardMethod(db, method)]));
}

function guardMethod(db: Db, method: Method): Method {
  return (...args) => {
    if (!db.inTransaction) throw new StorageError("HD_CLOSED", "a write was tried outside its transaction");
    return method(...args);
  };
}

/** SQLite's own errors become ours; what the work itself threw stays as it is. */
function toStorageError(db: Db, error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== "SqliteError") return error;
  return new StorageError(
    "HD_STORAGE",
    `${db.name} could not be written: ${error.message}; nothing of this request was stored`,
    { cause: error },
  );
}
