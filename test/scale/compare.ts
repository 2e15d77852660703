import { createHash } from "node:crypto";

/** What is compared of an entry, wherever it is: its id, its unique text, and the two fields that others edit. */
export type Row = [id: string, command: string, note: string | null, tag: string | null];

/** An entry that a machine has acknowledged. */
export interface RecordedEntry {
  id: string;
  command: string;
}

/** An edit that a machine has acknowledged. No two edits of one entry share a field: the last word is known. */
export interface RecordedEdit {
  id: string;
  field: "note" | "tag";
  value: string;
}

/** What one place (a cache, the server) has too little or too much of. Ids of entries. */
export interface Difference {
  /** Acknowledged, and not here. */
  lost: string[];
  /** Here once more than acknowledged: the same id or the same text twice, or what nobody recorded. */
  doubled: string[];
  /** Here, with another text or without an acknowledged edit. */
  altered: string[];
}

/** What every place must hold in the end. */
export function expectedRows(
  entries: readonly RecordedEntry[],
  edits: readonly RecordedEdit[],
): Map<string, Row> {
  const rows = new Map<string, Row>(entries.map(({ id, command }) => [id, [id, command, null, null]]));
  for (const { id, field, value } of edits) {
    const row = rows.get(id);
    if (row === undefined) throw new Error(`an edit of ${id}, which nobody recorded`);
    row[field === "note" ? 2 : 3] = value;
  }
  return rows;
}

/** Equal for two places that hold the same rows, in whatever order they are read. */
export function digestRows(rows: Iterable<Row>): string {
  const lines = [...rows].map((row) => JSON.stringify(row)).toSorted();
  return createHash("sha256").update(lines.join("\n")).digest("hex");
}

export function compareRows(expected: ReadonlyMap<string, Row>, actual: Iterable<Row>): Difference {
  const difference: Difference = { lost: [], doubled: [], altered: [] };
  const seen = new Set<string>();
  const texts = new Set<string>();
  for (const row of actual) {
    const [id, command] = row;
    const wanted = expected.get(id);
    if (wanted === undefined || seen.has(id) || texts.has(command)) difference.doubled.push(id);
    else if (wanted.some((value, column) => value !== row[column])) difference.altered.push(id);
    seen.add(id);
    texts.add(command);
  }
  for (const id of expected.keys()) if (!seen.has(id)) difference.lost.push(id);
  return difference;
}
