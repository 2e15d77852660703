/** How a field of a record is kept in its column. The last three are JSON: a list of texts, an object, any value. */
export type ColumnType = "text" | "integer" | "boolean" | "texts" | "object" | "json";

/** One kind of record that syncs: its table, and its fields with their columns, which bear the same names. */
export interface RecordKind {
  kind: string;
  table: string;
  /** Version of the body's shape; a body of a later one is set aside, not guessed at. */
  schema: number;
  fields: Record<string, FieldSpec>;
}

/** What a field may hold. Clients are checked by the API's schemas; this is for what other machines send. */
export interface FieldSpec {
  type: ColumnType;
  required?: true;
  /** For integers. */
  min?: number;
  max?: number;
  /** For texts: the words it may be. */
  words?: readonly string[];
}

const TIME = { type: "integer", min: 0, max: 253_402_300_799_999 } as const;
const COUNT = { type: "integer", min: 0 } as const;

/** Fields that every kind has, because selection and deletion need them. */
const common = {
  scope: { type: "text", required: true, words: ["global", "user", "machine"] },
  user: { type: "text" },
  timestamp: { ...TIME, required: true },
  deleted_at: TIME,
  purged_at: TIME,
} as const;

const HISTORY: RecordKind = {
  kind: "history",
  table: "history",
  schema: 1,
  fields: {
    ...common,
    kind: { type: "text", required: true, words: ["command", "chat"] },
    command: { type: "text", required: true },
    response: { type: "text" },
    hostname: { type: "text" },
    session_id: { type: "text" },
    cwd: { type: "text" },
    shell: { type: "text" },
    exit_code: { type: "integer", min: -2_147_483_648, max: 2_147_483_647 },
    duration_ms: COUNT,
    tokens_used: COUNT,
    tags: { type: "texts" },
    note: { type: "text" },
    pinned: { type: "boolean", required: true },
    context: { type: "object" },
    caused_by: { type: "text" },
    created_at: { ...TIME, required: true },
  },
};

const CONFLICT: RecordKind = {
  kind: "conflict",
  table: "conflicts",
  schema: 2,
  fields: {
    ...common,
    record_id: { type: "text", required: true },
    record_kind: { type: "text", required: true },
    field: { type: "text", required: true },
    base_value: { type: "json" },
    local_value: { type: "json" },
    remote_value: { type: "json" },
    local_clock: { type: "text", required: true },
    remote_clock: { type: "text", required: true },
    local_machine: { type: "text", required: true },
    remote_machine: { type: "text", required: true },
    winner: { type: "text", required: true, words: ["local", "remote"] },
    decided_by: { type: "text", required: true },
    omitted: { type: "texts" },
    resolved_at: TIME,
    resolution: { type: "text", words: ["local", "remote", "merge"] },
    resolved_by: { type: "text" },
  },
};

/** Every kind this version reads and writes. */
export const RECORD_KINDS: readonly RecordKind[] = [HISTORY, CONFLICT];
