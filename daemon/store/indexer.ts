import type { SearchIndexReads } from "./search-index.ts";
import type { Writer } from "./writer.ts";

/** Keeps the search index up with the history. */
export interface Indexer {
  /** Called after every commit: sees to it that what was written is indexed soon. */
  noteCommit(): void;
  /** Resolves when everything that was committed before the call is in the index. */
  caughtUp(): Promise<void>;
  stop(): void;
}

/** How long rows wait for company. A search does not wait: it has them indexed first. */
const DELAY_MS = 100;

/** Rows in one lot: what a search may have to wait for, and how long the event loop is held. */
const LOT = 512;

export function createIndexer(read: SearchIndexReads, write: Writer): Indexer {
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;

  async function catchUp(): Promise<void> {
    while (!stopped && read.lag() > 0) {
      if ((await write.run((tx) => tx.searchIndex.catchUp(LOT))) === 0) return;
    }
  }

  return {
    noteCommit() {
      if (timer !== null || stopped) return;
      timer = setTimeout(() => {
        timer = null;
        // What could not be indexed now is indexed with the next commit, or by the next search, which then tells.
        catchUp().catch(() => undefined);
      }, DELAY_MS);
    },
    caughtUp: catchUp,
    stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}
