import type { Conflict } from "../../protocol/conflict.ts";

/** Fields that are no text. People write them as JSON. */
const EXAMPLES: Record<string, string> = {
  tags: '["deploy","fix"]',
  context: '{"ticket":12}',
  pinned: "true",
  exit_code: "0",
  timestamp: "1760000000000",
  duration_ms: "1500",
  tokens_used: "200",
  deleted_at: "null",
};

/** What is always something: an empty text does not mean that there is none. */
const NEVER_NULL = new Set(["command", "kind", "scope"]);

/** How a value of this field is written, in words for a question. */
export function describeForm(field: string): string {
  const example = EXAMPLES[field];
  return example === undefined ? "text" : `JSON, such as ${example}`;
}

/** A value as people write it; the daemon says whether it is a right one. @throws Error for what should be JSON */
export function parseFieldValue(field: string, text: string): unknown {
  if (!Object.hasOwn(EXAMPLES, field)) return text === "" && !NEVER_NULL.has(field) ? null : text;
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${field}: expected ${describeForm(field)}`);
  }
}

/** The same way round: what {@link parseFieldValue} reads as this value. */
export function writeFieldValue(field: string, value: unknown): string {
  if (Object.hasOwn(EXAMPLES, field)) return JSON.stringify(value ?? emptyOf(field));
  return typeof value === "string" ? value : value === null ? "" : JSON.stringify(value);
}

/** What the record has now, as a value that can be sent. */
export function currentValue({ field, current_value: value }: Conflict): unknown {
  return value ?? emptyOf(field);
}

/** A list or an object that is empty is kept as null, and sent as what it is. */
function emptyOf(field: string): unknown {
  return field === "tags" ? [] : field === "context" ? {} : null;
}
