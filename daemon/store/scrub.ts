import type { Db } from "./database.ts";

/**
 * Empties the write-ahead log after a purge: what was purged is overwritten in the database (`secure_delete`), but
 * the log keeps older copies of its pages until it is copied back and cut.
 */
export interface Scrubber {
  /** Inside a transaction: the log is to be emptied when that is committed. */
  request(): void;
  /** After each commit. */
  noteCommit(): void;
  stop(): void;
}

/** Somebody who reads (a backup tool) keeps the log from being cut; we try again this much later. */
const PAUSE_MS = 1000;

export function createScrubber(db: Db): Scrubber {
  // A crash may have come between a purge and its scrubbing.
  let due = true;
  let timer: NodeJS.Timeout | null = null;

  function scrub(): void {
    if (!due) return;
    due = !truncateLog(db);
    if (!due || timer !== null) return;
    timer = setTimeout(() => {
      timer = null;
      scrub();
    }, PAUSE_MS);
    timer.unref();
  }

  scrub();

  return {
    request() {
      due = true;
    },
    noteCommit: scrub,
    stop() {
      if (timer !== null) clearTimeout(timer);
      due = false;
    },
  };
}

/** @returns whether the log is empty now; not so while another process reads or writes, or where the disk is full */
function truncateLog(db: Db): boolean {
  const patience = db.pragma("busy_timeout", { simple: true }) as number;
  // Waiting would hold the event loop, and this is tried again in any case.
  db.pragma("busy_timeout = 0");
  try {
    return db.pragma("wal_checkpoint(TRUNCATE)", { simple: true }) === 0;
  } catch {
    return false;
  } finally {
    db.pragma(`busy_timeout = ${patience}`);
  }
}
