import Database from "better-sqlite3";
import type { Db } from "./database.ts";
import { takeWithinBudget } from "./history-reads.ts";

export interface SearchIndexReads {
  /** Rows that a search would not find yet. */
  lag(): number;
}

/** The search index, which follows the history in lots. */
export interface SearchIndexWrites extends SearchIndexReads {
  /** Indexes at most `limit` rows: new ones, oldest first, or else late ones, newest first. @returns how many */
  catchUp(limit: number): number;
}

export function createSearchIndexReads(db: Db): SearchIndexReads {
  const lag = db
    .prepare<[], number>(
      `SELECT max(0, ifnull((SELECT max(seq) FROM history), 0) - upto) + (SELECT count(*) FROM search_index_late)
       FROM search_index`,
    )
    .pluck();
  return { lag: () => lag.get() ?? 0 };
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
  const lastLate = db
    .prepare<[number], number>(
      "SELECT min(seq) FROM (SELECT seq FROM search_index_late ORDER BY seq DESC LIMIT ?)",
    )
    .pluck();
  // In ascending order: FTS5 writes out what it has gathered whenever a row comes before the last one.
  const indexLate = db.prepare<[number]>(
    `INSERT INTO history_fts (rowid, command, response, note, tags)
     SELECT seq, command, response, note, tags FROM search_index_late CROSS JOIN history USING (seq)
     WHERE seq >= ? ORDER BY seq`,
  );
  const removeLate = db.prepare<[number]>("DELETE FROM search_index_late WHERE seq >= ?");

  function catchUpLate(limit: number): number {
    const from = lastLate.get(limit) ?? null;
    if (from === null) return 0;
    const { changes } = indexLate.run(from);
    removeLate.run(from);
    return changes;
  }

  return {
    ...createSearchIndexReads(db),
    catchUp(limit) {
      const upto = last.get(limit) ?? null;
      if (upto === null) return catchUpLate(limit);
      const { changes } = index.run(upto);
      advance.run(upto);
      return changes;
    },
  };
}

/** What the index does not have yet, for searches while it cannot be written. */
export interface SearchTail {
  /** Rows that fit, among the newest that are not indexed, with their snippets. */
  match(match: string): Map<number, string>;
}

/** How many rows are looked through: each search has to index them again. */
const MAX_TAIL = 1000;

/** @param snippet SQL of the snippet's arguments after the table */
export function createSearchTail(db: Db, snippet: string): SearchTail {
  const rest = db.prepare<[], object>(
    `SELECT seq, command, response, note, tags FROM history WHERE seq > (SELECT upto FROM search_index)
     UNION ALL
     SELECT seq, command, response, note, tags FROM search_index_late CROSS JOIN history USING (seq)
     ORDER BY seq DESC`,
  );
  return {
    match(match) {
      const memory = new Database(":memory:");
      try {
        // As history_fts is: a search must mean the same here.
        memory.exec(
          `CREATE VIRTUAL TABLE tail USING fts5 (
             command, response, note, tags, tokenize = 'unicode61 remove_diacritics 2'
           )`,
        );
        const add = memory.prepare(
          "INSERT INTO tail (rowid, command, response, note, tags) VALUES ($seq, $command, $response, $note, $tags)",
        );
        const { taken } = takeWithinBudget(rest.iterate(), MAX_TAIL);
        memory.transaction(() => {
          for (const row of taken) add.run(row);
        })();
        const found = memory
          .prepare<[string], { seq: number; snippet: string }>(
            `SELECT rowid AS seq, snippet(tail, ${snippet}) AS snippet FROM tail WHERE tail MATCH ?`,
          )
          .all(match);
        return new Map(found.map((row) => [row.seq, row.snippet]));
      } finally {
        memory.close();
      }
    },
  };
}
