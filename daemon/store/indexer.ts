import { StorageError } from "./database.ts";
import type { SearchIndexReads } from "./search-index.ts";
import type { Writer } from "./writer.ts";

/** Keeps the search index up with the history. */
export interface Indexer {
  /** Called after every commit: sees to it that what was written is indexed soon. */
  noteCommit(): void;
  /**
   * Resolves when everything that was committed before the call is in the index, or when the index cannot be written
   * for now: the disk is full, or another process holds the write lock. `SearchTail` has what is missing then.
   */
  caughtUp(): Promise<void>;
  stop(): void;
}

/** How long rows wait for company. A search does not wait: it has them indexed first. */
const DELAY_MS = 100;

/** How long a search waits for one lot; while lots are written in time, it waits for all of them. */
const PATIENCE_MS = 500;

/** Rows in one lot: what a search may have to wait for, and how long the event loop is held. */
const LOT = 512;

export function createIndexer(read: SearchIndexReads, write: Writer): Indexer {
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;
  let lot: Promise<number> | null = null;

  /** One lot at a time, whoever asks. @returns how many rows were indexed */
  function indexLot(): Promise<number> {
    lot ??= write
      .run((tx) => tx.searchIndex.catchUp(LOT))
      .finally(() => {
        lot = null;
      });
    return lot;
  }

  async function catchUp(): Promise<void> {
    while (!stopped && read.lag() > 0) {
      if ((await indexLot()) === 0) return;
    }
  }

  async function caughtUp(): Promise<void> {
    try {
      while (!stopped && read.lag() > 0) {
        if ((await within(PATIENCE_MS, indexLot())) === 0) return;
      }
    } catch (error) {
      if (!(error instanceof StorageError && error.code === "HD_STORAGE")) throw error;
    }
  }

  return {
    noteCommit() {
      if (timer !== null || stopped) return;
      timer = setTimeout(() => {
        timer = null;
        // What could not be indexed now is indexed with the next commit, or by the next search.
        catchUp().catch(() => undefined);
      }, DELAY_MS);
    },
    caughtUp,
    stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}

/** What the work gives, or 0 where it takes longer; it then goes on by itself. */
async function within(ms: number, work: Promise<number>): Promise<number> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<number>((resolve) => {
    timer = setTimeout(resolve, ms, 0);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
