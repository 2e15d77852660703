import { join } from "node:path";
import Database from "better-sqlite3";
import { expect } from "vitest";

export interface CacheContent {
  /** Commands in the order in which they came here. */
  readonly commands: string[];
  /** Ids that are still to be sent. */
  readonly outbox: string[];
}

/**
 * What a cache holds, also while a daemon has it open.
 * @throws where the file is damaged, the search index differs from the texts, or what is counted is not what is there
 */
export function checkCache(home: string): CacheContent {
  const cache = new Database(join(home, "cache.db"), { fileMustExist: true });
  try {
    return cache.transaction(() => check(cache)).immediate();
  } finally {
    cache.close();
  }
}

function check(cache: Database.Database): CacheContent {
  const column = (sql: string): string[] => cache.prepare<[], string>(sql).pluck().all();
  expect(column("PRAGMA integrity_check")).toEqual(["ok"]);
  expect(column("PRAGMA foreign_key_check")).toEqual([]);
  cache.exec("INSERT INTO history_fts (history_fts, rank) VALUES ('integrity-check', 1)");
  expect(cache.prepare("SELECT live, pending FROM counts").get()).toEqual(
    cache
      .prepare(
        `SELECT count(*) AS live, ifnull(sum(rev IS NULL OR base IS NOT NULL), 0) AS pending
           FROM history WHERE deleted_at IS NULL AND purged_at IS NULL`,
      )
      .get(),
  );
  const outbox = column("SELECT record_id FROM outbox ORDER BY seq");
  const unsent = column("SELECT id FROM history WHERE rev IS NULL OR base IS NOT NULL");
  expect(outbox.toSorted()).toEqual(unsent.toSorted());
  return { commands: column("SELECT command FROM history ORDER BY seq"), outbox };
}

/** How many entries the search index does not have yet. */
export function countUnindexed(home: string): number {
  const cache = new Database(join(home, "cache.db"), { readonly: true });
  try {
    const sql = `SELECT (SELECT count(*) FROM history WHERE seq > (SELECT upto FROM search_index))
                        + (SELECT count(*) FROM search_index_late)`;
    return cache.prepare<[], number>(sql).pluck().get()!;
  } finally {
    cache.close();
  }
}
