import type { Conflict } from "../../client-lib/protocol/conflict.ts";
import { hlcToMs, isHlc } from "../core/hlc.ts";
import type { Json } from "../core/json.ts";
import type { Db } from "./database.ts";
import { type ColumnValue, columnsToFields } from "./field-codec.ts";
import { type Position, takeWithinBudget } from "./history-reads.ts";
import { RECORD_KINDS, type RecordKind } from "./record-kinds.ts";
import { createStatementCache } from "./statement-cache.ts";

/** Which conflicts. Absent filters do not restrict. */
export interface ConflictFilter {
  state: "open" | "resolved" | "all";
  record?: string | undefined;
}

export interface ConflictReads {
  /** Null where there is none, or where it was deleted or purged. */
  get(id: string): Conflict | null;
  /** Conflicts after `after`, newest first and within the budget, and the position of the last where there are more. */
  list(
    filter: ConflictFilter,
    limit: number,
    after: Position | null,
  ): { conflicts: Conflict[]; next: Position | null };
}

/** A row as it is read. */
interface ConflictRow {
  seq: number;
  id: string;
  record_id: string;
  record_kind: string;
  field: string;
  base_value: string | null;
  local_value: string | null;
  remote_value: string | null;
  omitted: string | null;
  local_clock: string;
  remote_clock: string;
  local_machine: string;
  remote_machine: string;
  winner: Conflict["winner"];
  decided_by: string;
  timestamp: number;
  resolved_at: number | null;
  resolution: Conflict["resolution"];
  resolved_by: string | null;
}

/** What there is to say of the record, as its columns have it. */
interface Current {
  current: ColumnValue;
  summary: string | null;
}

const COLUMNS = `
  c.seq, c.id, c.record_id, c.record_kind, c.field, c.base_value, c.local_value, c.remote_value, c.omitted,
  c.local_clock, c.remote_clock, c.local_machine, c.remote_machine, c.winner, c.decided_by, c.timestamp,
  c.resolved_at, c.resolution, c.resolved_by`;

const STATES = { open: "c.resolved_at IS NULL", resolved: "c.resolved_at IS NOT NULL", all: "1" };
const GONE: Current = { current: null, summary: null };

export function createConflictReads(db: Db): ConflictReads {
  const statements = createStatementCache(db);
  const byId = db.prepare<[string], ConflictRow>(
    `SELECT ${COLUMNS} FROM conflicts AS c WHERE c.id = ? AND c.deleted_at IS NULL AND c.purged_at IS NULL`,
  );

  /** Only the one column of the record is read: the rest of it may be megabytes. */
  function withCurrent(row: ConflictRow): ConflictRow & Current {
    // The name of the field came from another machine; in SQL stand names that are known here.
    const kind = kindWith(row);
    if (kind === null) return { ...row, ...GONE };
    const summary = Object.hasOwn(kind.fields, "command") ? "substr(r.command, 1, 200)" : "NULL";
    const current = statements
      .get<Current>(
        `SELECT r.${row.field} AS current, ${summary} AS summary FROM ${kind.table} AS r
         WHERE r.id = ? AND r.purged_at IS NULL`,
      )
      .get(row.record_id);
    return { ...row, ...(current ?? GONE) };
  }

  function* allWithCurrent(rows: Iterable<ConflictRow>): Generator<ConflictRow & Current> {
    for (const row of rows) yield withCurrent(row);
  }

  return {
    get(id) {
      const row = byId.get(id);
      return row === undefined ? null : rowToConflict(withCurrent(row));
    },
    list({ state, record }, limit, after) {
      const one = record === undefined ? "" : "AND c.record_id = ?";
      const older = after === null ? "" : "AND (c.timestamp, c.seq) < (?, ?)";
      const rows = statements
        .get<ConflictRow>(
          `SELECT ${COLUMNS} FROM conflicts AS c
           WHERE ${STATES[state]} AND c.deleted_at IS NULL AND c.purged_at IS NULL ${one} ${older}
           ORDER BY c.timestamp DESC, c.seq DESC LIMIT ?`,
        )
        .iterate(
          ...(record === undefined ? [] : [record]),
          ...(after === null ? [] : [after.timestamp, after.seq]),
          limit + 1,
        );
      const { taken, hasMore } = takeWithinBudget(allWithCurrent(rows), limit);
      const last = taken.at(-1);
      return {
        conflicts: taken.map(rowToConflict),
        next: hasMore && last ? { timestamp: last.timestamp, seq: last.seq } : null,
      };
    },
  };
}

/** The kind of the record, where it is known here and has that field. */
function kindWith({
  record_kind: name,
  field,
}: Pick<ConflictRow, "record_kind" | "field">): RecordKind | null {
  const found = RECORD_KINDS.find(({ kind }) => kind === name);
  return found !== undefined && Object.hasOwn(found.fields, field) ? found : null;
}

function rowToConflict(row: ConflictRow & Current): Conflict {
  return {
    id: row.id,
    record_id: row.record_id,
    record_kind: row.record_kind,
    field: row.field,
    base_value: parse(row.base_value),
    local_value: parse(row.local_value),
    remote_value: parse(row.remote_value),
    omitted: row.omitted === null ? [] : (JSON.parse(row.omitted) as string[]),
    local_clock: row.local_clock,
    remote_clock: row.remote_clock,
    local_at: toMs(row.local_clock),
    remote_at: toMs(row.remote_clock),
    local_machine: row.local_machine,
    remote_machine: row.remote_machine,
    winner: row.winner,
    decided_by: row.decided_by,
    current_value: toValue(row),
    record_summary: row.summary,
    timestamp: row.timestamp,
    resolved_at: row.resolved_at,
    resolution: row.resolution,
    resolved_by: row.resolved_by,
  };
}

function toValue(row: ConflictRow & Current): Json {
  const kind = kindWith(row);
  if (kind === null || row.current === null) return null;
  const one = { ...kind, fields: { [row.field]: kind.fields[row.field]! } };
  return columnsToFields(one, { [row.field]: row.current })[row.field]!;
}

function parse(text: string | null): Json {
  return text === null ? null : (JSON.parse(text) as Json);
}

/** A record that came from elsewhere may have any text for a clock. */
function toMs(clock: string): number | null {
  return isHlc(clock) ? hlcToMs(clock) : null;
}
