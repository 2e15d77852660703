import type { SearchResult } from "../../client-lib/protocol/history.ts";
import { parseQuery, type SearchTerms } from "../core/query.ts";
import { relevance, score, sourceOf } from "../core/rank.ts";
import type { Db } from "./database.ts";
import { type Condition, type HistoryFilter, toCondition } from "./filters.ts";
import { HISTORY_COLUMNS, HISTORY_MACHINES, type HistoryRow, rowToEntry } from "./history-row.ts";
import { takeWithinBudget } from "./history-reads.ts";
import type { Indexer } from "./indexer.ts";
import type { MachineReads } from "./machines.ts";
import { createSearchIndexReads, createSearchTail } from "./search-index.ts";
import { createStatementCache } from "./statement-cache.ts";

export interface Search {
  /**
   * The entries that fit best, best first, among everything that was acknowledged before the call; while the index
   * cannot be written, among what is indexed and the newest of the rest. Fewer where they are too long for one answer.
   */
  search(q: string, filter: HistoryFilter, limit: number, now: number): Promise<SearchResult[]>;
}

/** What ranking needs to know of a match. */
interface Candidate {
  seq: number;
  bm25: number;
  timestamp: number;
  user: string | null;
  machine_id: string;
}

/** How many matches are ranked: the last to arrive, which bounds the time that a word in half of the history takes. */
const MAX_CANDIDATES = 1000;

/** bm25 weights of command, response, note, tags: what was typed counts most. */
const WEIGHTS = "10.0, 1.0, 4.0, 4.0";

/** Arguments of FTS5's `snippet` after the table: any column, marks, ellipsis, tokens. */
const SNIPPET = "-1, '<mark>', '</mark>', '…', 16";
const SNIPPET_CHARACTERS = 120;

export function createSearch(db: Db, machines: MachineReads, indexer: Indexer): Search {
  const statements = createStatementCache(db);
  const index = createSearchIndexReads(db);
  const tail = createSearchTail(db, SNIPPET);
  // CAST: better-sqlite3 binds a number as REAL, which FTS5 passes over in a condition on rowid: any match would do.
  const matched = db.prepare<[string, number], HistoryRow & { snippet: string }>(
    `SELECT ${HISTORY_COLUMNS},
            snippet(history_fts, ${SNIPPET}) AS snippet
     FROM history_fts JOIN history AS h ON h.seq = history_fts.rowid ${HISTORY_MACHINES}
     WHERE history_fts MATCH ? AND history_fts.rowid = CAST(? AS INTEGER)`,
  );
  const scanned = db.prepare<[number], HistoryRow & { snippet: string }>(
    `SELECT ${HISTORY_COLUMNS}, substr(h.command, 1, ${SNIPPET_CHARACTERS}) AS snippet
     FROM history AS h ${HISTORY_MACHINES} WHERE h.seq = ?`,
  );

  /** The newest matches. Without a word to look up, entries are read one by one until enough are found. */
  function findCandidates(terms: SearchTerms, filter: HistoryFilter, limit: number): Candidate[] {
    const condition = toCondition(filter, machines);
    const literal = literalCondition(terms.literals);
    if (terms.match === null) {
      return statements
        .get<Candidate>(
          `SELECT h.seq, 0 AS bm25, h.timestamp, h.user, m.id AS machine_id
           FROM history AS h JOIN machines AS m ON m.key = h.machine
           WHERE ${condition.sql} ${literal.sql} ORDER BY h.timestamp DESC, h.seq DESC LIMIT ?`,
        )
        .all(...condition.values, ...literal.values, limit);
    }
    return statements
      .get<Candidate>(
        `SELECT h.seq, bm25(history_fts, ${WEIGHTS}) AS bm25, h.timestamp, h.user, m.id AS machine_id
         FROM history_fts JOIN history AS h ON h.seq = history_fts.rowid JOIN machines AS m ON m.key = h.machine
         WHERE history_fts MATCH ? AND ${condition.sql} ${literal.sql}
         ORDER BY history_fts.rowid DESC LIMIT ${MAX_CANDIDATES}`,
      )
      .all(terms.match, ...condition.values, ...literal.values);
  }

  /** Matches among these rows, which are not indexed: they are new, and count as much as the best that is. */
  function findInTail(seqs: number[], filter: HistoryFilter, literals: string[], best: number): Candidate[] {
    const condition = toCondition(filter, machines);
    const literal = literalCondition(literals);
    return statements
      .get<Candidate>(
        `SELECT h.seq, ? AS bm25, h.timestamp, h.user, m.id AS machine_id
         FROM history AS h JOIN machines AS m ON m.key = h.machine
         WHERE h.seq IN (SELECT value FROM json_each(?)) AND ${condition.sql} ${literal.sql}`,
      )
      .all(best, JSON.stringify(seqs), ...condition.values, ...literal.values);
  }

  return {
    async search(q, filter, limit, now) {
      const terms = parseQuery(q);
      if (terms.match === null && terms.literals.length === 0) return [];
      let inTail = new Map<number, string>();
      if (terms.match !== null) {
        await indexer.caughtUp();
        if (index.lag() > 0) inTail = tail.match(terms.match);
      }
      const candidates = findCandidates(terms, filter, limit);
      const best = candidates.reduce((lowest, { bm25 }) => Math.min(lowest, bm25), 0);
      if (inTail.size > 0) candidates.push(...findInTail([...inTail.keys()], filter, terms.literals, best));
      const ranked = candidates
        .map((candidate) => {
          const source = sourceOf(candidate, filter.viewer);
          const age = now - candidate.timestamp;
          return { ...candidate, source, score: score(relevance(candidate.bm25, best), source, age) };
        })
        .toSorted((a, b) => b.score - a.score || b.timestamp - a.timestamp || b.seq - a.seq)
        .slice(0, limit);
      const read = function* (): Generator<HistoryRow & { snippet: string }> {
        for (const { seq } of ranked) {
          const snippet = inTail.get(seq);
          if (terms.match === null) yield scanned.get(seq)!;
          else if (snippet === undefined) yield matched.get(terms.match, seq)!;
          else yield { ...scanned.get(seq)!, snippet };
        }
      };
      return takeWithinBudget(read(), limit).taken.map((row, place) => {
        const { score: total, source } = ranked[place]!;
        return { ...rowToEntry(row), score: total, snippet: row.snippet, source };
      });
    },
  };
}

const OCCURS =
  "instr(h.command || char(10) || ifnull(h.response, '') || char(10) || ifnull(h.note, ''), ?) > 0";

/** Literal terms must occur in one of the texts, as they stand. */
function literalCondition(literals: string[]): Condition {
  return { sql: literals.length === 0 ? "" : `AND ${allOccur(literals.length)}`, values: literals };
}

/** Nested by halves: in a row, more than 1,000 would be deeper than SQLite lets an expression be. */
function allOccur(count: number): string {
  if (count === 1) return OCCURS;
  const half = count >> 1;
  return `(${allOccur(half)} AND ${allOccur(count - half)})`;
}
