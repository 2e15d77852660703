import { statSync } from "node:fs";
import type { HybridClock } from "../core/hlc.ts";
import { type AuditReads, createAuditReads } from "./audit.ts";
import { type ConflictReads, createConflictReads } from "./conflict-reads.ts";
import { type Db, openForReading, openForWriting, StorageError } from "./database.ts";
import { createHistoryReads, type HistoryReads } from "./history-reads.ts";
import { createMachineReads } from "./machines.ts";
import { createMarkReads, type MarkReads } from "./marks.ts";
import { createMetaReads, createMetaWrites, type MetaReads } from "./meta.ts";
import { migrate, readMigrations, schemaVersion } from "./migrate.ts";
import { createOutboxReads, type OutboxReads } from "./outbox.ts";
import { createReconciliationReads, type ReconciliationReads } from "./reconciliations.ts";
import { createRecordReads, type RecordReads } from "./records.ts";
import { createRevisionReads, type RevisionReads } from "./revisions.ts";
import { createIndexer } from "./indexer.ts";
import { checkLog } from "./log-check.ts";
import { createSearch, type Search } from "./search.ts";
import { createSearchIndexReads, type SearchIndexReads } from "./search-index.ts";
import { createSetAsideReads, type SetAsideReads } from "./set-aside.ts";
import { createSpoolFileReads, type SpoolFileReads } from "./spool-files.ts";
import { createWriter, type Writer } from "./writer.ts";

/** Everything that may be read, from committed state, over a connection that cannot write. */
export interface Reads {
  readonly history: HistoryReads;
  readonly conflicts: ConflictReads;
  readonly audit: AuditReads;
  readonly searchIndex: SearchIndexReads;
  readonly records: RecordReads;
  readonly outbox: OutboxReads;
  readonly meta: MetaReads;
  readonly setAside: SetAsideReads;
  readonly marks: MarkReads;
  readonly revisions: RevisionReads;
  readonly reconciliations: ReconciliationReads;
  readonly spoolFiles: SpoolFileReads;
}

/** The cache of this machine. */
export interface Store {
  readonly read: Reads;
  readonly write: Writer;
  readonly search: Search;
  /** Sizes in bytes of the database file and its write-ahead log. */
  info(): { path: string; schemaVersion: number; size: number; walSize: number };
  /** Commits what is queued, moves the log into the database, closes. */
  close(): void;
}

export interface OpenStoreOptions {
  file: string;
  /** Folder of the numbered migrations. */
  migrations: string;
  /** Where a copy goes before a migration of existing data. */
  backups: string;
  /** Makes the clock, once the last stamp and this cache's incarnation are known. */
  clock: (meta: MetaReads) => HybridClock;
  /** A name for this cache's life, used when it is created. */
  newIncarnation: () => string;
  monotonicMs: () => number;
  onMigrated?: (result: ReturnType<typeof migrate>) => void;
}

/**
 * Opens the cache, creating and migrating it as needed.
 * @throws StorageError where it cannot be used: damaged, not durable, not ours, newer than this version, or a migration
 *   failed
 */
export function openStore(options: OpenStoreOptions): Store {
  checkLog(options.file);
  const writeDb = openForWriting(options.file);
  let readDb: Db | null = null;
  try {
    const migrated = migrate(writeDb, readMigrations(options.migrations), options.backups);
    if (migrated.from !== migrated.to) options.onMigrated?.(migrated);
    // Asked first: writing would wait for whoever holds the write lock.
    const meta = createMetaWrites(writeDb);
    if (meta.get("incarnation") === null) meta.set("incarnation", options.newIncarnation());
    readDb = openForReading(options.file);
    return compose(writeDb, readDb, options);
  } catch (error) {
    readDb?.close();
    writeDb.close();
    if (!(error instanceof Error) || error.name !== "SqliteError") throw error;
    throw new StorageError("HD_STORAGE", `${options.file} cannot be used: ${error.message}`, {
      cause: error,
    });
  }
}

function compose(writeDb: Db, readDb: Db, options: OpenStoreOptions): Store {
  const machines = createMachineReads(readDb);
  const meta = createMetaReads(readDb);
  const searchIndex = createSearchIndexReads(readDb);
  const records = createRecordReads(readDb);
  const setAside = createSetAsideReads(readDb);
  const write = createWriter(writeDb, {
    clock: options.clock(meta),
    monotonicMs: options.monotonicMs,
    onCommit: () => {
      indexer.noteCommit();
    },
  });
  const indexer = createIndexer(searchIndex, write);
  // What a crash left out of the index.
  indexer.noteCommit();
  return {
    read: {
      history: createHistoryReads(readDb, machines),
      conflicts: createConflictReads(readDb),
      audit: createAuditReads(readDb),
      searchIndex,
      records,
      outbox: createOutboxReads(readDb),
      meta,
      setAside,
      marks: createMarkReads(readDb),
      revisions: createRevisionReads(readDb, records, setAside, machines),
      reconciliations: createReconciliationReads(readDb),
      spoolFiles: createSpoolFileReads(readDb),
    },
    write,
    search: createSearch(readDb, machines, indexer),
    info: () => ({
      path: options.file,
      schemaVersion: schemaVersion(readDb),
      size: sizeOf(options.file),
      walSize: sizeOf(`${options.file}-wal`),
    }),
    close() {
      indexer.stop();
      write.close();
      readDb.close();
      writeDb.close();
    },
  };
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
