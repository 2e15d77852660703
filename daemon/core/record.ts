import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { type Hlc, isHlc } from "./hlc.ts";
import { canonicalJson, isDeeperThan, type Json, MAX_JSON_DEPTH } from "./json.ts";

/** The fields of a record that merge: a flat map, each field replaced as a whole. */
export type Fields = Record<string, Json>;

/**
 * Clocks by field, kept only once a record was edited: the stamp of each edited field's last edit, and under `*` the
 * stamp of the record's creation, which holds for every other field.
 */
export type FieldClocks = Record<string, Hlc>;

/** One version of one record, as the two sides of sync think of it. */
export interface Version {
  id: string;
  kind: string;
  machineId: string;
  lastEditor: string;
  hlc: Hlc;
  clocks: FieldClocks | null;
  fields: Fields;
}

/** A version as it travels and as the remote's table keeps it. */
export interface SyncRecord {
  id: string;
  kind: string;
  /** Given by the server; null on the way up. */
  rev: number | null;
  base_rev: number | null;
  hlc: Hlc;
  clocks: string | null;
  scope: string;
  user_id: string | null;
  machine_id: string;
  timestamp: number;
  deleted_at: number | null;
  purged_at: number | null;
  last_editor: string;
  schema: number;
  key_id: string | null;
  codec: string;
  body: string | Uint8Array | null;
  digest: string | null;
  /** What kind of entry it is, for machines that choose by it; null for records that are no entries. */
  entry_kind: string | null;
}

/** Fields that are columns of their own in the record, because selection and collection need them. */
const COLUMN_FIELDS = ["scope", "user", "timestamp", "deleted_at", "purged_at"] as const;

/**
 * Bodies longer than this travel compressed. Shorter ones stay readable text, for people who open the remote with
 * a shell, and because compression saves little on a line of shell.
 */
export const PLAIN_BODY_BYTES = 128 * 1024;

/** Why a record that arrived cannot be read here. It is kept and tried again after an upgrade. */
export class UnreadableRecordError extends Error {
  override readonly name = "UnreadableRecordError";
  readonly code = "HD_UNREADABLE_RECORD";
}

/**
 * Packs a version for the remote.
 * @param schema version of the body's shape for this kind
 * @param baseRev the revision this version was edited from, null for a new record
 */
export function versionToRecord(version: Version, schema: number, baseRev: number | null): SyncRecord {
  const text = bodyText(version.fields);
  const packed = Buffer.byteLength(text) > PLAIN_BODY_BYTES;
  return {
    id: version.id,
    kind: version.kind,
    rev: null,
    base_rev: baseRev,
    hlc: version.hlc,
    clocks: version.clocks === null ? null : canonicalJson(version.clocks),
    scope: (version.fields.scope as string | undefined) ?? "global",
    user_id: (version.fields.user as string | null | undefined) ?? null,
    machine_id: version.machineId,
    timestamp: version.fields.timestamp as number,
    deleted_at: (version.fields.deleted_at as number | null | undefined) ?? null,
    purged_at: (version.fields.purged_at as number | null | undefined) ?? null,
    last_editor: version.lastEditor,
    schema,
    key_id: null,
    codec: packed ? "gzip" : "json",
    body: packed ? gzipSync(text) : text,
    digest: toDigest(text),
    entry_kind: version.kind === "history" ? (version.fields.kind as string) : null,
  };
}

/**
 * The body of a record with these fields. What is null is left out: a field that a later version adds does not change
 * the digest of records that do not have it.
 */
function bodyText(fields: Fields): string {
  const columns: readonly string[] = COLUMN_FIELDS;
  const said = Object.entries(fields).filter(([name, value]) => value !== null && !columns.includes(name));
  return canonicalJson(Object.fromEntries(said));
}

function toDigest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The digest of a record with these fields, as `versionToRecord` writes it. */
export function fieldsDigest(fields: Fields): string {
  return toDigest(bodyText(fields));
}

/** @throws UnreadableRecordError for a body this version cannot unpack, or clocks that are none */
export function recordToVersion(record: SyncRecord): Version {
  if (!isHlc(record.hlc)) throw new UnreadableRecordError(`its clock '${record.hlc}' is not a stamp`);
  const body = unpack(record);
  // Whoever edits a body by hand leaves no digest: the remote's trigger takes it away.
  if (record.digest !== null && record.digest !== toDigest(body))
    throw new UnreadableRecordError("its body is not what its digest says");
  return {
    id: record.id,
    kind: record.kind,
    machineId: record.machine_id,
    // Only a hand leaves no digest.
    lastEditor: record.digest === null ? "remote" : record.last_editor,
    hlc: record.hlc,
    clocks: record.clocks === null ? null : parseClocks(record.clocks),
    fields: {
      ...parseObject(body, "body"),
      scope: record.scope,
      user: record.user_id,
      timestamp: record.timestamp,
      deleted_at: record.deleted_at,
      purged_at: record.purged_at,
    },
  };
}

function unpack(record: SyncRecord): string {
  if (record.key_id !== null) throw new UnreadableRecordError(`its key '${record.key_id}' is not known here`);
  if (record.body === null) throw new UnreadableRecordError("it has no body");
  if (record.codec === "json" && typeof record.body === "string") return record.body;
  if (record.codec === "gzip" && typeof record.body !== "string") {
    try {
      return gunzipSync(record.body, { maxOutputLength: 64 * 1024 * 1024 }).toString("utf8");
    } catch (cause) {
      throw new UnreadableRecordError("its compressed body is damaged", { cause });
    }
  }
  throw new UnreadableRecordError(`its codec '${record.codec}' is not known here`);
}

function parseClocks(text: string): FieldClocks {
  const clocks = parseObject(text, "clocks");
  for (const [field, clock] of Object.entries(clocks)) {
    if (typeof clock !== "string" || !isHlc(clock)) {
      throw new UnreadableRecordError(`its clock of '${field}' is not a stamp`);
    }
  }
  return clocks as FieldClocks;
}

function parseObject(text: string, what: string): Fields {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (cause) {
    throw new UnreadableRecordError(`its ${what} is not JSON`, { cause });
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new UnreadableRecordError(`its ${what} is not a JSON object`);
  }
  if (isDeeperThan(value, MAX_JSON_DEPTH)) throw new UnreadableRecordError(`its ${what} is nested too deep`);
  return value;
}
