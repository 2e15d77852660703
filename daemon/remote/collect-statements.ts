import { type Statement, toInteger } from "./executor.ts";
import { SERVER_TIME } from "./facts.ts";
import type { TombstoneAges } from "./remote.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** After a lot that was full, the next may follow this soon. */
const PAUSE_MS = 10 * 60 * 1000;

/** Records in one lot: the server's one write lock is held for as long as it takes. */
const LOT = 500;

const COLLECTING = "EXISTS (SELECT 1 FROM meta WHERE key = 'collecting')";

/** What was deleted before this goes: set once, so that every statement goes by the same time. */
const CUTOFF = "(SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'collected_before')";

/**
 * What is left of an entry whose content is gone. A revision that this makes is an edit by hand to the triggers: every
 * machine takes it for news.
 */
const EMPTIED = `json_object('command', '', 'created_at', timestamp, 'kind', ifnull(entry_kind, 'command'),
  'pinned', json('false'))`;

/** Entries deleted for longer than `?1` ms that still have their content. */
const TO_EMPTY = `kind = 'history' AND deleted_at < ${SERVER_TIME} - ?1 AND purged_at IS NULL
  AND (codec <> 'json' OR key_id IS NOT NULL OR body IS NOT ${EMPTIED})`;

const TO_REMOVE = `deleted_at < ${CUTOFF} AND purged_at IS NULL`;

/**
 * Takes the content from entries that were deleted long ago, and from the conflicts about them; removes what was deleted
 * longer ago still, and raises `gc_floor` with it. One lot at most once a day, and sooner where there is more.
 */
export function collectStatements({ contentMs, recordMs }: TombstoneAges): Statement[] {
  const [content, record] = [toInteger(contentMs), toInteger(recordMs)];
  return [
    {
      sql: `INSERT OR REPLACE INTO meta (key, value) SELECT 'collecting', '1'
            WHERE ifnull((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'collected_at'), 0) <= ${SERVER_TIME} - ?`,
      args: [toInteger(DAY_MS)],
    },
    {
      // Up to the first record of the next lot, where there is one; what was deleted at one moment goes together,
      // however much it is. It never goes back.
      sql: `INSERT OR REPLACE INTO meta (key, value)
            SELECT 'collected_before', max(ifnull(${CUTOFF}, 0), min(${SERVER_TIME} - ?1, ifnull(max(
              (SELECT deleted_at FROM records WHERE deleted_at < ${SERVER_TIME} - ?1 AND purged_at IS NULL
               ORDER BY deleted_at LIMIT 1 OFFSET ${LOT}),
              (SELECT deleted_at FROM records WHERE deleted_at IS NOT NULL AND purged_at IS NULL
               ORDER BY deleted_at LIMIT 1) + 1), ${SERVER_TIME})))
            WHERE ${COLLECTING}`,
      args: [record],
    },
    {
      sql: `UPDATE records SET deleted_at = ${SERVER_TIME},
              body = json_remove(body, '$.base_value', '$.local_value', '$.remote_value')
            WHERE kind = 'conflict' AND deleted_at IS NULL AND codec = 'json' AND key_id IS NULL AND ${COLLECTING}
              AND body ->> 'record_id' IN (SELECT id FROM records WHERE ${TO_EMPTY} ORDER BY deleted_at LIMIT ${LOT})`,
      args: [content],
    },
    {
      sql: `UPDATE records SET body = ${EMPTIED}, codec = 'json', key_id = NULL
            WHERE ${COLLECTING}
              AND id IN (SELECT id FROM records WHERE ${TO_EMPTY} ORDER BY deleted_at LIMIT ${LOT})`,
      args: [content],
    },
    {
      sql: `UPDATE meta SET value = max(CAST(value AS INTEGER),
              ifnull((SELECT max(rev) FROM records WHERE ${TO_REMOVE} AND ${COLLECTING}), 0))
            WHERE key = 'gc_floor'`,
      args: [],
    },
    { sql: `DELETE FROM records WHERE ${TO_REMOVE} AND ${COLLECTING}`, args: [] },
    {
      sql: `INSERT OR REPLACE INTO meta (key, value)
            SELECT 'collected_at', ${SERVER_TIME} - iif(
              EXISTS (SELECT 1 FROM records WHERE ${TO_EMPTY})
              OR EXISTS (SELECT 1 FROM records WHERE deleted_at < ${SERVER_TIME} - ?2 AND purged_at IS NULL), ?3, 0)
            WHERE ${COLLECTING}`,
      args: [content, record, toInteger(DAY_MS - PAUSE_MS)],
    },
    { sql: "DELETE FROM meta WHERE key = 'collecting'", args: [] },
  ];
}
