import type { SyncRecord } from "../core/record.ts";
import type { Db } from "./database.ts";

export interface SetAsideReads {
  count(): number;
  /** Those with revisions above `after`, up to `upto`, as they came. */
  between(after: number, upto: number): { record: SyncRecord; rev: number }[];
}

/** Records that arrived and cannot be read by this version: kept as they came, so that an upgrade can read them. */
export interface SetAsideWrites extends SetAsideReads {
  put(record: SyncRecord, rev: number, reason: string, now: number): void;
  remove(id: string): void;
  /** Forgets those above a revision that the remote no longer counts by. */
  forgetAbove(rev: number): void;
}

export function createSetAsideReads(db: Db): SetAsideReads {
  const count = db.prepare<[], number>("SELECT count(*) FROM set_aside").pluck();
  const between = db.prepare<[number, number], { record: string; rev: number }>(
    "SELECT record, rev FROM set_aside WHERE rev > ? AND rev <= ? ORDER BY rev",
  );
  return {
    count: () => count.get() ?? 0,
    between: (after, upto) =>
      between.all(after, upto).map(({ record, rev }) => ({ record: textToRecord(record), rev })),
  };
}

export function createSetAsideWrites(db: Db): SetAsideWrites {
  const put = db.prepare<[string, string, number, string, string, number]>(`
    INSERT INTO set_aside (record_id, kind, rev, reason, record, since) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (record_id) DO UPDATE SET rev = excluded.rev, reason = excluded.reason, record = excluded.record
  `);
  const remove = db.prepare<[string]>("DELETE FROM set_aside WHERE record_id = ?");
  const forget = db.prepare<[number]>("DELETE FROM set_aside WHERE rev > ?");
  return {
    ...createSetAsideReads(db),
    forgetAbove(rev) {
      forget.run(rev);
    },
    put(record, rev, reason, now) {
      put.run(record.id, record.kind, rev, reason, recordToText(record), now);
    },
    remove(id) {
      remove.run(id);
    },
  };
}

/** A record as JSON text; a packed body as base64. */
function recordToText(record: SyncRecord): string {
  const { body } = record;
  return JSON.stringify(
    body instanceof Uint8Array
      ? { ...record, body: { base64: Buffer.from(body).toString("base64") } }
      : record,
  );
}

function textToRecord(text: string): SyncRecord {
  const record = JSON.parse(text) as Omit<SyncRecord, "body"> & { body: string | { base64: string } | null };
  const { body } = record;
  return {
    ...record,
    body:
      typeof body === "object" && body !== null ? new Uint8Array(Buffer.from(body.base64, "base64")) : body,
  };
}
