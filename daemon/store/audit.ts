import type { AuditEvent } from "../../client-lib/protocol/audit.ts";
import type { Json } from "../core/json.ts";
import type { Db } from "./database.ts";
import type { Position } from "./history-reads.ts";
import { createStatementCache } from "./statement-cache.ts";

/** One change, as it is written down. */
export interface NewAuditEvent {
  /** When it was done, ms since the epoch. */
  at: number;
  /** `edit`, `delete`, `restore`, `purge`, `resolve`, … */
  action: string;
  recordKind: string | null;
  recordId: string | null;
  /** Where it was done. */
  machineId: string;
  /** Null where it is not known here. */
  user: string | null;
  /** Names of fields, never their values. */
  details: { [name: string]: Json } | null;
}

export interface AuditWrites {
  add(event: NewAuditEvent): void;
}

/** Which events. Absent filters do not restrict. */
export interface AuditFilter {
  record?: string | undefined;
  action?: string | undefined;
  /** At or after, ms since the epoch. */
  since?: number | undefined;
}

export interface AuditReads {
  /** Events after `after`, newest first, and the position of the last where there are more. */
  list(
    filter: AuditFilter,
    limit: number,
    after: Position | null,
  ): { events: AuditEvent[]; next: Position | null };
}

/** Events kept. What is older is removed now and then, so that there may be a few more. */
export const MAX_AUDIT_EVENTS = 100_000;
const TRIM_EVERY = 1000;

interface AuditRow extends Omit<AuditEvent, "details"> {
  details: string | null;
}

export function createAuditReads(db: Db): AuditReads {
  const statements = createStatementCache(db);
  return {
    list({ record, action, since }, limit, after) {
      const parts = ["1"];
      const values: (string | number)[] = [];
      const add = (sql: string, value: string | number | null | undefined): void => {
        if (value == null) return;
        parts.push(sql);
        values.push(value);
      };
      add("record_id = ?", record);
      add("action = ?", action);
      add("at >= ?", since);
      // Not by time: what was done elsewhere is written down when this machine learns of it.
      add("seq < ?", after?.seq);
      const rows = statements
        .get<AuditRow>(
          `SELECT seq, at, action, record_kind, record_id, machine_id, user, details FROM audit
           WHERE ${parts.join(" AND ")} ORDER BY seq DESC LIMIT ?`,
        )
        .all(...values, limit + 1);
      const events = rows.slice(0, limit).map(rowToEvent);
      const last = events.at(-1);
      return { events, next: rows.length > limit && last ? { timestamp: last.at, seq: last.seq } : null };
    },
  };
}

export function createAuditWrites(db: Db): AuditWrites {
  const add = db.prepare<
    [number, string, string | null, string | null, string, string | null, string | null]
  >(
    "INSERT INTO audit (at, action, record_kind, record_id, machine_id, user, details) VALUES (?, ?, ?, ?, ?, ?, ?)",
  );
  const trim = db.prepare<[number]>("DELETE FROM audit WHERE seq <= ?");
  return {
    add({ at, action, recordKind, recordId, machineId, user, details }) {
      const text = details === null ? null : JSON.stringify(details);
      const seq = Number(add.run(at, action, recordKind, recordId, machineId, user, text).lastInsertRowid);
      if (seq % TRIM_EVERY === 0) trim.run(seq - MAX_AUDIT_EVENTS);
    },
  };
}

function rowToEvent({ details, ...row }: AuditRow): AuditEvent {
  return { ...row, details: details === null ? {} : (JSON.parse(details) as AuditEvent["details"]) };
}
