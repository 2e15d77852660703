import { type Row, type Statement, toInteger } from "./executor.ts";
import { type Mark, type PullRequest, RemoteError, type RemoteFacts } from "./remote.ts";

/** Milliseconds since the epoch by the server's clock. */
export const SERVER_TIME = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";

/** What the remote says of itself and of this machine: one row. */
export function factsStatement({ selection, mark }: PullRequest): Statement {
  return {
    sql: `SELECT (SELECT value FROM seq) AS rev, ${SERVER_TIME} AS now,
            (SELECT value FROM meta WHERE key = 'epoch') AS epoch,
            (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'min_protocol') AS min_protocol,
            (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'gc_floor') AS gc_floor,
            (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'collected_before') AS collected_before,
            (?3 IS NULL OR EXISTS (SELECT 1 FROM marks WHERE rev = ?2 AND mark = ?3)) AS knows_mark,
            newest.rev AS mark_rev, newest.mark, kept.rev AS kept_rev, kept.mark AS kept_mark, incarnation, push_seq, last_push_id
          FROM (SELECT 1) LEFT JOIN (SELECT rev, mark FROM marks ORDER BY rev DESC LIMIT 1) AS newest
            LEFT JOIN (SELECT rev, mark FROM marks WHERE kept IS NOT NULL ORDER BY kept DESC LIMIT 1) AS kept
            LEFT JOIN nodes ON machine_id = ?1`,
    args: [selection.machineId, toInteger(mark?.rev ?? 0), mark?.mark ?? null],
  };
}

export function rowToFacts(rows: Row[] | undefined): RemoteFacts {
  const row = oneRow(rows);
  if (row.epoch === null || row.rev === null) throw damaged();
  return {
    epoch: row.epoch as string,
    serverRev: row.rev as number,
    serverTimeMs: row.now as number,
    gcFloor: row.gc_floor as number,
    collectedBefore: (row.collected_before ?? 0) as number,
    minProtocol: row.min_protocol as number,
    knowsMark: row.knows_mark === 1,
    newestMark: rowToMark(row.mark_rev, row.mark),
    keptMark: rowToMark(row.kept_rev, row.kept_mark),
    node:
      row.push_seq === null
        ? null
        : {
            incarnation: row.incarnation as string,
            pushSeq: row.push_seq as number,
            pushId: (row.last_push_id ?? "") as string,
          },
  };
}

export function rowToMark(rev: unknown, mark: unknown): Mark | null {
  return mark === null ? null : { rev: rev as number, mark: mark as string };
}

export function oneRow(rows: Row[] | undefined): Row {
  const row = rows?.[0];
  if (row === undefined) throw damaged();
  return row;
}

function damaged(): RemoteError {
  return new RemoteError(
    "rejected",
    "HD_REMOTE_DAMAGED",
    "the remote lacks a row it must have; its tables were changed by hand",
  );
}
