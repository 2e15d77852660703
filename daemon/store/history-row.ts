import type { Entry, EntryKind, Scope } from "../../client-lib/protocol/entry.ts";
import { hlcToMs } from "../core/hlc.ts";
import type { Stored } from "./records.ts";

/** A row of history as queries select it: `HISTORY_COLUMNS`. */
export interface HistoryRow extends Omit<Entry, "tags" | "pinned" | "context" | "updated_at" | "sync"> {
  seq: number;
  tags: string | null;
  pinned: number;
  context: string | null;
  hlc: string;
  edited: number;
}

/** The columns of a `HistoryRow`, from `history AS h` with `HISTORY_MACHINES` joined. */
export const HISTORY_COLUMNS = `
  h.seq, h.id, h.kind, h.command, h.response, h.scope, h.user, m.id AS machine_id, h.hostname, h.session_id, h.cwd,
  h.shell, h.exit_code, h.timestamp, h.duration_ms, h.tokens_used, h.tags, h.note, h.pinned, h.context, h.caused_by,
  h.created_at, h.deleted_at, e.id AS last_editor, h.hlc, h.rev, h.base IS NOT NULL AS edited`;

export const HISTORY_MACHINES =
  "JOIN machines AS m ON m.key = h.machine JOIN machines AS e ON e.key = h.editor";

export function rowToEntry(row: HistoryRow): Entry {
  return {
    id: row.id,
    kind: row.kind,
    command: row.command,
    response: row.response,
    scope: row.scope,
    user: row.user,
    machine_id: row.machine_id,
    hostname: row.hostname,
    session_id: row.session_id,
    cwd: row.cwd,
    shell: row.shell,
    exit_code: row.exit_code,
    timestamp: row.timestamp,
    duration_ms: row.duration_ms,
    tokens_used: row.tokens_used,
    tags: row.tags === null ? [] : (JSON.parse(row.tags) as string[]),
    note: row.note,
    pinned: row.pinned === 1,
    context: row.context === null ? {} : (JSON.parse(row.context) as Entry["context"]),
    caused_by: row.caused_by,
    created_at: row.created_at,
    updated_at: hlcToMs(row.hlc),
    deleted_at: row.deleted_at,
    last_editor: row.last_editor,
    rev: row.rev,
    sync: row.rev === null || row.edited === 1 ? "pending" : "synced",
  };
}

/** The same out of a record just read or written, without asking the database again. */
export function storedToEntry({ version, rev, base }: Stored): Entry {
  const { fields } = version;
  return {
    id: version.id,
    kind: fields.kind as EntryKind,
    command: fields.command as string,
    response: (fields.response ?? null) as string | null,
    scope: fields.scope as Scope,
    user: (fields.user ?? null) as string | null,
    machine_id: version.machineId,
    hostname: (fields.hostname ?? null) as string | null,
    session_id: (fields.session_id ?? null) as string | null,
    cwd: (fields.cwd ?? null) as string | null,
    shell: (fields.shell ?? null) as string | null,
    exit_code: (fields.exit_code ?? null) as number | null,
    timestamp: fields.timestamp as number,
    duration_ms: (fields.duration_ms ?? null) as number | null,
    tokens_used: (fields.tokens_used ?? null) as number | null,
    tags: (fields.tags ?? []) as string[],
    note: (fields.note ?? null) as string | null,
    pinned: fields.pinned === true,
    context: (fields.context ?? {}) as Entry["context"],
    caused_by: (fields.caused_by ?? null) as string | null,
    created_at: fields.created_at as number,
    updated_at: hlcToMs(version.hlc),
    deleted_at: (fields.deleted_at ?? null) as number | null,
    last_editor: version.lastEditor,
    rev,
    sync: rev === null || base !== null ? "pending" : "synced",
  };
}
