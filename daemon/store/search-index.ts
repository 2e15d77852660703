import type { Db } from "./database.ts";

export interface SearchIndexReads {
  /** Rows that a search would not find yet. */
  lag(): number;
}

/** The search index, which follows the history in lots. */
export interface SearchIndexWrites extends SearchIndexReads {
  /** Indexes at most `limit` rows, oldest first. @returns how many */
  catchUp(limit: number): number;
}

export function createSearchIndexReads(db: Db): SearchIndexReads {
  const lag = db
    .prepare<[], number>("SELECT ifnull((SELECT max(seq) FROM history), 0) - upto FROM search_index")
    .pluck();
  return { lag: () => Math.max(0, lag.get() ?? 0) };
}

export function createSearchIndexWrites(db: Db): SearchIndexWrites {
  const last = db
    .prepare<[number], number>(
      `SELECT max(seq) FROM (
         SELECT seq FROM history WHERE seq > (SELECT upto FROM search_index) ORDER BY seq LIMIT ?
       )`,
    )
    .pluck();
  const index = db.prepare<[number]>(
    `INSERT INTO history_fts (rowid, command, response, note, tags)
     SELECT seq, command, response, note, tags FROM history
     WHERE seq > (SELECT upto FROM search_index) AND seq <= ?`,
  );
  const advance = db.prepare<[number]>("UPDATE search_index SET upto = ?");
  return {
    ...createSearchIndexReads(db),
    catchUp(limit) {
      const upto = last.get(limit) ?? null;
      if (upto === null) return 0;
      const { changes } = index.run(upto);
      advance.run(upto);
      return changes;
    },
  };
}
