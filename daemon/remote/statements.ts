import type { SyncRecord } from "../core/record.ts";
import type { Row, Statement } from "./executor.ts";
import type { NodeReport, PulledRecord, PullRequest } from "./remote.ts";
import { PROTOCOL_VERSION } from "./remote.ts";

const RECORD_COLUMNS = [
  "id",
  "kind",
  "base_rev",
  "hlc",
  "clocks",
  "scope",
  "user_id",
  "machine_id",
  "timestamp",
  "deleted_at",
  "purged_at",
  "last_editor",
  "schema",
  "key_id",
  "codec",
  "body",
  "digest",
] as const;

/** Milliseconds since the epoch by the server's clock. */
const SERVER_TIME = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";

export function metaStatement(): Statement {
  return {
    sql: `SELECT (SELECT value FROM seq) AS rev, ${SERVER_TIME} AS now,
            max(iif(key = 'epoch', value, NULL)) AS epoch,
            max(iif(key = 'min_protocol', CAST(value AS INTEGER), NULL)) AS min_protocol,
            max(iif(key = 'gc_floor', CAST(value AS INTEGER), NULL)) AS gc_floor
          FROM meta`,
    args: [],
  };
}

/**
 * A page of records above the cursor. A record out of this machine's sight comes only where it was edited (it may
 * have been in sight before), and then without its body.
 */
export function pageStatement(request: PullRequest): Statement {
  const columns = RECORD_COLUMNS.filter((column) => column !== "body").join(", ");
  return {
    sql: `SELECT * FROM (
            SELECT *, sum(size) OVER (ORDER BY rev ROWS UNBOUNDED PRECEDING) AS bytes FROM (
              SELECT ${columns}, rev, visible, iif(visible, body, NULL) AS body,
                     iif(visible, ifnull(length(CAST(body AS BLOB)), 0), 0) AS size
              FROM (
                SELECT *, (scope = 'global' OR machine_id = ?3 OR (scope = 'user' AND user_id IS NOT NULL AND user_id IS ?4)) AS visible
                FROM records WHERE rev > ?1
              )
              WHERE visible OR base_rev IS NOT NULL
              ORDER BY rev LIMIT ?2
            )
          ) WHERE bytes - size < ?5 ORDER BY rev`,
    args: [
      BigInt(request.cursor),
      BigInt(request.limit),
      request.selection.machineId,
      request.selection.user,
      BigInt(request.maxBytes),
    ],
  };
}

/** Fails the whole push, with the reason as its message, where what this machine believes is not so. */
export function guardStatement(epoch: string, cursor: number): Statement {
  return {
    sql: "INSERT INTO push_guard (protocol, epoch, cursor) VALUES (?, ?, ?)",
    args: [BigInt(PROTOCOL_VERSION), epoch, BigInt(cursor)],
  };
}

export function revStatement(): Statement {
  return { sql: "SELECT value AS rev FROM seq", args: [] };
}

/**
 * Compare-and-set of all records at once. A new record inserts; an edit applies only where the server still has the
 * revision it was edited from, and never creates a row that the server has collected. What does not apply is left
 * alone: the read-back tells.
 *
 * One packed (binary) body can travel beside the JSON, which holds text only.
 */
export function upsertStatement(records: readonly SyncRecord[]): Statement {
  const packed = records.filter((record) => record.body instanceof Uint8Array);
  if (packed.length > 1) throw new RangeError("a push carries at most one packed body");
  const body = packed[0]?.body instanceof Uint8Array ? packed[0].body : null;
  const values = RECORD_COLUMNS.map((column) =>
    column === "body" ? "iif(value ->> 'packed', ?2, value ->> 'body')" : `value ->> '${column}'`,
  );
  const updates = RECORD_COLUMNS.filter((column) => !["id", "kind", "machine_id"].includes(column)).map(
    (column) => `${column} = excluded.${column}`,
  );
  return {
    sql: `INSERT INTO records (${RECORD_COLUMNS.join(", ")})
          SELECT ${values.join(", ")} FROM json_each(?1)
          WHERE value ->> 'base_rev' IS NULL OR value ->> 'id' IN (SELECT id FROM records)
          ON CONFLICT (id) DO UPDATE SET ${updates.join(", ")} WHERE records.rev IS excluded.base_rev`,
    args: [JSON.stringify(records.map(toJson)), body],
  };
}

function toJson(record: SyncRecord): object {
  return record.body instanceof Uint8Array ? { ...record, body: null, packed: true } : record;
}

export function readBackStatement(records: readonly SyncRecord[]): Statement {
  return {
    sql: "SELECT id, rev, hlc FROM records WHERE id IN (SELECT value FROM json_each(?))",
    args: [JSON.stringify(records.map((record) => record.id))],
  };
}

export function nodeStatement(node: NodeReport, cursor: number): Statement {
  return {
    sql: `INSERT INTO nodes (machine_id, incarnation, hostname, version, push_seq, last_push_id, last_pulled_rev,
            queue_depth, first_seen, last_seen)
          VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)
          ON CONFLICT (machine_id) DO UPDATE SET incarnation = excluded.incarnation, hostname = excluded.hostname,
            version = excluded.version, push_seq = excluded.push_seq, last_push_id = excluded.last_push_id,
            last_pulled_rev = excluded.last_pulled_rev, queue_depth = excluded.queue_depth,
            last_seen = excluded.last_seen`,
    args: [
      node.machineId,
      node.incarnation,
      node.hostname,
      node.version,
      BigInt(node.pushSeq),
      node.pushId,
      BigInt(cursor),
      BigInt(node.queueDepth),
      BigInt(node.now),
    ],
  };
}

export function rowToRecord(row: Row): PulledRecord {
  return {
    id: row.id as string,
    kind: row.kind as string,
    rev: row.rev as number,
    base_rev: row.base_rev as number | null,
    hlc: row.hlc as string,
    clocks: row.clocks as string | null,
    scope: row.scope as string,
    user_id: row.user_id as string | null,
    machine_id: row.machine_id as string,
    timestamp: row.timestamp as number,
    deleted_at: row.deleted_at as number | null,
    purged_at: row.purged_at as number | null,
    last_editor: row.last_editor as string,
    schema: row.schema as number,
    key_id: row.key_id as string | null,
    codec: row.codec as string,
    body: row.body as string | Uint8Array | null,
    digest: row.digest as string | null,
    visible: row.visible === 1,
  };
}
