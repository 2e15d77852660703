import { CONTENT_DIGITS, MIX_PRIMES } from "../core/revisions.ts";
import type { Selection } from "../core/selection.ts";
import { type SqlArg, type Statement, toInteger } from "./executor.ts";
import { MARKED_REVISIONS } from "./push-statements.ts";
import { RECORD_COLUMNS } from "./record-columns.ts";
import type { Mark, PageLimits, PullRequest, RevisionRange } from "./remote.ts";

/** The selection as `?1` to `?5`, which the conditions below use. */
function selectionArgs({ machineId, user, scopes, kinds, since }: Selection): SqlArg[] {
  return [
    machineId,
    user,
    scopes && JSON.stringify(scopes),
    kinds && JSON.stringify(kinds),
    since === null ? null : toInteger(since),
  ];
}

/** Records that this machine may have; an edit can change what this says of a record. */
const VISIBLE = `((scope = 'global' OR machine_id = ?1 OR (scope = 'user' AND user_id IS NOT NULL AND user_id IS ?2))
  AND (?3 IS NULL OR machine_id = ?1 OR scope IN (SELECT value FROM json_each(?3))))`;

/** Records that this machine wants, by what no edit changes. */
const WANTED_KIND =
  "(?4 IS NULL OR machine_id = ?1 OR entry_kind IS NULL OR entry_kind IN (SELECT value FROM json_each(?4)))";
const RECENT = "(?5 IS NULL OR machine_id = ?1 OR timestamp >= ?5)";

/** The rows of an inner query, without the bodies that this machine may not see, up to a number of bytes. */
function withinBytes(rows: string, order: string, limit: number): Statement["sql"] {
  const columns = RECORD_COLUMNS.filter((column) => column !== "body").join(", ");
  return `SELECT * FROM (
            SELECT *, sum(size) OVER (ORDER BY ${order} ROWS UNBOUNDED PRECEDING) AS bytes FROM (
              SELECT ${columns}, rev, visible, iif(visible, body, NULL) AS body,
                     iif(visible, ifnull(length(CAST(body AS BLOB)), 0), 0) AS size
              FROM (${rows})
            )
          ) WHERE bytes - size < ?${limit} ORDER BY ${order}`;
}

/**
 * A page of records above the cursor. A record out of this machine's sight comes only where it was edited (it may
 * have been in sight before), and then without its body. One that was edited also comes when it is older than what
 * this machine wants: it may have it, and a delete must reach it. A purge reaches everyone.
 */
export function pageStatement({ cursor, selection, page }: PullRequest): Statement {
  return {
    sql: withinBytes(
      `SELECT *, ${VISIBLE} AS visible FROM records
       WHERE rev > ?6 AND ${WANTED_KIND} AND (base_rev IS NOT NULL OR purged_at IS NOT NULL OR (${VISIBLE} AND ${RECENT}))
       ORDER BY rev LIMIT ?7`,
      "rev",
      8,
    ),
    args: [...selectionArgs(selection), toInteger(cursor), ...pageArgs(page)],
  };
}

/**
 * A page of records below a revision, the newest first. A machine that fills its cache has none of them, but it may
 * have conflicts about records that were purged.
 */
export function fillStatement({ selection, page }: PullRequest, below: number): Statement {
  return {
    sql: withinBytes(
      `SELECT *, ${VISIBLE} AS visible FROM records
       WHERE rev < ?6 AND ${WANTED_KIND} AND (purged_at IS NOT NULL OR (${VISIBLE} AND ${RECENT}))
       ORDER BY rev DESC LIMIT ?7`,
      "rev DESC",
      8,
    ),
    args: [...selectionArgs(selection), toInteger(below), ...pageArgs(page)],
  };
}

/** Records by id, whatever their kind and age. */
export function fetchStatement({ selection, page }: PullRequest, ids: readonly string[]): Statement {
  return {
    sql: withinBytes(
      `SELECT *, ${VISIBLE} AS visible FROM records
       WHERE id IN (SELECT value FROM json_each(?4))`,
      "rev",
      5,
    ),
    args: [...selectionArgs(selection).slice(0, 3), JSON.stringify(ids), toInteger(page.bytes)],
  };
}

/** Which of these ids exist. */
export function existStatement(ids: readonly string[]): Statement {
  return {
    sql: "SELECT id FROM records WHERE id IN (SELECT value FROM json_each(?))",
    args: [JSON.stringify(ids)],
  };
}

function pageArgs({ records, bytes }: PageLimits): SqlArg[] {
  return [toInteger(records), toInteger(bytes)];
}

export function findMarkStatement(marks: readonly Mark[]): Statement {
  return {
    sql: `SELECT (SELECT max(m.rev) FROM json_each(?) AS known
                  JOIN marks AS m ON m.rev = known.value ->> 0 AND m.mark = known.value ->> 1) AS common,
                 (SELECT max(value - ?, 0) FROM seq) AS oldest`,
    args: [JSON.stringify(marks.map(({ rev, mark }) => [rev, mark])), toInteger(MARKED_REVISIONS)],
  };
}

/** The selected records in some ranges of revisions. */
const IN_RANGES = `(SELECT value ->> 0 AS after, value ->> 1 AS upto FROM json_each(?6)) CROSS JOIN records
  WHERE rev > after AND rev <= upto
    AND ${VISIBLE} AND ${WANTED_KIND} AND ${RECENT}`;

function rangeArgs(selection: Selection, ranges: readonly RevisionRange[]): SqlArg[] {
  return [...selectionArgs(selection), JSON.stringify(ranges.map(({ after, upto }) => [after, upto]))];
}

/**
 * A digest's first 40 bits as an integer: JSON5 has hexadecimal numbers, SQL has not. A row that was edited by hand
 * has no digest, and counts as 0 on both sides; so does whatever else stands there.
 */
const CONTENT = `iif(digest IS NULL OR last_editor = 'remote' OR length(digest) <> 64 OR digest GLOB '*[^0-9a-f]*', 0,
  ('0x' || substr(digest, 1, ${CONTENT_DIGITS})) ->> '$')`;

/** See core/revisions.ts. Sums travel as text: a JavaScript number would not hold them exactly. */
export function sumStatement(
  { selection }: PullRequest,
  ranges: readonly RevisionRange[],
  width: number,
  content: boolean,
): Statement {
  return {
    sql: `SELECT rev / ?7 AS bucket, count(*) AS count, CAST(sum(rev) AS TEXT) AS revs,
                 CAST(sum((rev % ${MIX_PRIMES[0]}) * (rev % ${MIX_PRIMES[1]})) AS TEXT) AS mix,
                 CAST(sum(${content ? CONTENT : "0"}) AS TEXT) AS content
          FROM ${IN_RANGES} GROUP BY rev / ?7`,
    args: [...rangeArgs(selection, ranges), toInteger(width)],
  };
}

export function listStatement(
  { selection }: PullRequest,
  ranges: readonly RevisionRange[],
  content: boolean,
): Statement {
  return {
    sql: `SELECT rev, id, ${content ? CONTENT : "0"} AS content FROM ${IN_RANGES}`,
    args: rangeArgs(selection, ranges),
  };
}
