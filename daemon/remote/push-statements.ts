import { hlcToMs } from "../core/hlc.ts";
import type { SyncRecord } from "../core/record.ts";
import { type Statement, toInteger } from "./executor.ts";
import { SERVER_TIME } from "./facts.ts";
import { RECORD_COLUMNS } from "./record-columns.ts";
import { type NodeReport, PROTOCOL_VERSION, type PullRequest, type PushRequest } from "./remote.ts";

/**
 * Marks further back than this many revisions are forgotten, but for one an hour. A machine that was away for longer
 * finds the last of those that it has seen, and compares what came after.
 */
export const MARKED_REVISIONS = 100_000;
const KEPT_EVERY_MS = 60 * 60 * 1000;

/** Fails the whole push, with the reason as its message, where what this machine believes is not so. */
export function guardStatement({ cursor, mark }: PullRequest, push: PushRequest): Statement {
  const newestMs = push.records.reduce((newest, { hlc }) => Math.max(newest, hlcToMs(hlc)), 0);
  return {
    sql: `INSERT INTO push_guard (protocol, epoch, cursor, mark_rev, mark, machine_id, push_seq, push_ids, newest_ms)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    args: [
      toInteger(PROTOCOL_VERSION),
      push.epoch,
      toInteger(cursor),
      toInteger(mark?.rev ?? 0),
      mark?.mark ?? null,
      push.node.machineId,
      toInteger(push.acknowledgedSeq),
      JSON.stringify(push.pushIds),
      toInteger(newestMs),
    ],
  };
}

/**
 * Compare-and-set of all records at once. A new record inserts; an edit applies only where the server still has the
 * revision it was edited from, and never creates a row that the server has collected. A purge applies to any revision,
 * and nothing applies to a purged record. What does not apply is left alone: the read-back tells.
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
  const updates = RECORD_COLUMNS.filter(
    (column) => !["id", "kind", "machine_id", "base_rev", "entry_kind"].includes(column),
  ).map((column) => `${column} = excluded.${column}`);
  return {
    sql: `INSERT INTO records (${RECORD_COLUMNS.join(", ")})
          SELECT ${values.join(", ")} FROM json_each(?1)
          WHERE value ->> 'base_rev' IS NULL OR value ->> 'id' IN (SELECT id FROM records)
          ON CONFLICT (id) DO UPDATE SET base_rev = records.rev, ${updates.join(", ")}
          WHERE records.purged_at IS NULL
            AND (records.rev IS excluded.base_rev OR excluded.purged_at IS NOT NULL)`,
    args: [JSON.stringify(records.map(toJson)), body],
  };
}

function toJson(record: SyncRecord): object {
  return record.body instanceof Uint8Array ? { ...record, body: null, packed: true } : record;
}

export function readBackStatement(records: readonly SyncRecord[]): Statement {
  return {
    sql: "SELECT id, rev, hlc, digest FROM records WHERE id IN (SELECT value FROM json_each(?))",
    args: [JSON.stringify(records.map((record) => record.id))],
  };
}

/** This push's mark, unless the revision that it ended with has one already: then it changed nothing. */
export function markStatements({ pushId }: NodeReport): Statement[] {
  return [
    {
      sql: `INSERT OR IGNORE INTO marks (rev, mark, kept)
            SELECT value, ?, iif(ifnull((SELECT max(kept) FROM marks WHERE kept IS NOT NULL), 0) <= ${SERVER_TIME} - ?,
                                 ${SERVER_TIME}, NULL)
            FROM seq`,
      args: [pushId, toInteger(KEPT_EVERY_MS)],
    },
    {
      sql: "DELETE FROM marks WHERE kept IS NULL AND rev < (SELECT value FROM seq) - ?",
      args: [toInteger(MARKED_REVISIONS)],
    },
  ];
}

export function revStatement(): Statement {
  return {
    sql: `SELECT value AS rev, newest.rev AS mark_rev, newest.mark FROM seq
          LEFT JOIN (SELECT rev, mark FROM marks ORDER BY rev DESC LIMIT 1) AS newest`,
    args: [],
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
      toInteger(node.pushSeq),
      node.pushId,
      toInteger(cursor),
      toInteger(node.queueDepth),
      toInteger(node.now),
    ],
  };
}
