import type { Row } from "./executor.ts";
import type { PulledRecord } from "./remote.ts";

/** The columns of a record that a client writes; the revision is the server's. */
export const RECORD_COLUMNS = [
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
  "entry_kind",
] as const;

/**
 * SQLite keeps anything in any column, and a hand in a shell may have put it there. What is no text is made one, so
 * that the record can at least be set aside.
 */
export function toText(value: unknown): string {
  if (typeof value === "string") return value;
  return value instanceof Uint8Array ? `blob:${Buffer.from(value).toString("hex")}` : String(value);
}

function toTextOrNull(value: unknown): string | null {
  return value === null ? null : toText(value);
}

export function rowToRecord(row: Row): PulledRecord {
  return {
    id: toText(row.id),
    kind: toText(row.kind),
    rev: row.rev as number,
    base_rev: row.base_rev as number | null,
    hlc: toText(row.hlc),
    clocks: toTextOrNull(row.clocks),
    scope: toText(row.scope),
    user_id: toTextOrNull(row.user_id),
    machine_id: toText(row.machine_id),
    timestamp: row.timestamp as number,
    deleted_at: row.deleted_at as number | null,
    purged_at: row.purged_at as number | null,
    last_editor: toText(row.last_editor),
    schema: row.schema as number,
    key_id: toTextOrNull(row.key_id),
    codec: toText(row.codec),
    body: row.body as string | Uint8Array | null,
    digest: toTextOrNull(row.digest),
    entry_kind: toTextOrNull(row.entry_kind),
    visible: row.visible === 1,
  };
}
