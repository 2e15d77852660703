import type { Entry } from "../../client-lib/protocol/entry.ts";
import type { Db } from "./database.ts";
import { type HistoryFilter, toCondition } from "./filters.ts";
import { HISTORY_COLUMNS, HISTORY_MACHINES, type HistoryRow, rowToEntry } from "./history-row.ts";
import type { MachineReads } from "./machines.ts";
import { createStatementCache } from "./statement-cache.ts";

/** A place in the list of entries, newest first: the last entry of the page before. */
export interface Position {
  timestamp: number;
  seq: number;
}

export interface HistoryReads {
  /** The entry, also when it is deleted; null where there is none, or where it was purged. */
  get(id: string): Entry | null;
  /** Entries after `after`, newest first and within the budget, and the position of the last where there are more. */
  list(
    filter: HistoryFilter,
    limit: number,
    after: Position | null,
  ): { entries: Entry[]; next: Position | null };
  /** Entries that are not deleted, and how many of them the remote lacks. */
  counts(): { total: number; pending: number };
}

/** Characters of text after which an answer ends: as one JSON text it must stay well within what V8 lets one be. */
const ANSWER_CHARACTERS = 16 * 1024 * 1024;

/** At most `limit` rows, and fewer where their text is more than one answer may carry; the first one in any case. */
export function takeWithinBudget<Row extends object>(
  rows: Iterable<Row>,
  limit: number,
): { taken: Row[]; hasMore: boolean } {
  const taken: Row[] = [];
  let characters = 0;
  for (const row of rows) {
    for (const value of Object.values(row)) if (typeof value === "string") characters += value.length;
    if (taken.length === limit || (taken.length > 0 && characters > ANSWER_CHARACTERS)) {
      return { taken, hasMore: true };
    }
    taken.push(row);
  }
  return { taken, hasMore: false };
}

export function createHistoryReads(db: Db, machines: MachineReads): HistoryReads {
  const byId = db.prepare<[string], HistoryRow>(
    `SELECT ${HISTORY_COLUMNS} FROM history AS h ${HISTORY_MACHINES} WHERE h.id = ? AND h.purged_at IS NULL`,
  );
  const counts = db.prepare<[], { total: number; pending: number }>(
    "SELECT live AS total, pending FROM counts",
  );
  const statements = createStatementCache(db);

  return {
    get(id) {
      const row = byId.get(id);
      return row === undefined ? null : rowToEntry(row);
    },
    list(filter, limit, after) {
      const condition = toCondition(filter, machines);
      const older = after === null ? "" : "AND (h.timestamp, h.seq) < (?, ?)";
      const rows = statements
        .get<HistoryRow>(
          `SELECT ${HISTORY_COLUMNS} FROM history AS h ${HISTORY_MACHINES}
           WHERE ${condition.sql} ${older} ORDER BY h.timestamp DESC, h.seq DESC LIMIT ?`,
        )
        .iterate(...condition.values, ...(after === null ? [] : [after.timestamp, after.seq]), limit + 1);
      const { taken, hasMore } = takeWithinBudget(rows, limit);
      const last = taken.at(-1);
      return {
        entries: taken.map(rowToEntry),
        next: hasMore && last ? { timestamp: last.timestamp, seq: last.seq } : null,
      };
    },
    counts: () => counts.get() ?? { total: 0, pending: 0 },
  };
}
