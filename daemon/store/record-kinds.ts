/** How a field of a record is kept in its column. The last three are JSON: a list of texts, an object, any value. */
export type ColumnType = "text" | "integer" | "boolean" | "texts" | "object" | "json";

/** One kind of record that syncs: its table, and its fields with their columns, which bear the same names. */
export interface RecordKind {
  kind: string;
  table: string;
  /** Version of the body's shape; a body of a later one is set aside, not guessed at. */
  schema: number;
  fields: Record<string, { type: ColumnType; required?: true }>;
}

/** Fields that every kind has, because selection and deletion need them. */
const common = {
  scope: { type: "text", required: true },
  user: { type: "text" },
  timestamp: { type: "integer", required: true },
  deleted_at: { type: "integer" },
  purged_at: { type: "integer" },
} as const;

const HISTORY: RecordKind = {
  kind: "history",
  table: "history",
  schema: 1,
  fields: {
    ...common,
    kind: { type: "text", required: true },
    command: { type: "text", required: true },
    response: { type: "text" },
    hostname: { type: "text" },
    session_id: { type: "text" },
    cwd: { type: "text" },
    shell: { type: "text" },
    exit_code: { type: "integer" },
    duration_ms: { type: "integer" },
    tokens_used: { type: "integer" },
    tags: { type: "texts" },
    note: { type: "text" },
    pinned: { type: "boolean", required: true },
    context: { type: "object" },
    caused_by: { type: "text" },
    created_at: { type: "integer", required: true },
  },
};

const CONFLICT: RecordKind = {
  kind: "conflict",
  table: "conflicts",
  schema: 1,
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
    winner: { type: "text", required: true },
    decided_by: { type: "text", required: true },
  },
};

/** Every kind this version reads and writes. */
export const RECORD_KINDS: readonly RecordKind[] = [HISTORY, CONFLICT];
