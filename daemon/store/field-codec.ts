import type { Json } from "../core/json.ts";
import { type Fields, UnreadableRecordError } from "../core/record.ts";
import type { ColumnType, FieldSpec, RecordKind } from "./record-kinds.ts";

/** What a column may hold. */
export type ColumnValue = string | number | null;

/**
 * The column values of a record's fields, in the kind's order of fields.
 * @throws UnreadableRecordError where a field is missing, unknown, or of another type than the column: what arrives
 *   from elsewhere is not trusted
 */
export function fieldsToColumns(kind: RecordKind, fields: Fields): ColumnValue[] {
  for (const name of Object.keys(fields)) {
    if (!Object.hasOwn(kind.fields, name) && fields[name] !== null) {
      throw new UnreadableRecordError(`its field '${name}' is not known here`);
    }
  }
  return Object.entries(kind.fields).map(([name, spec]) => {
    const value = fields[name] ?? null;
    if (value === null) {
      if (spec.required === true) throw new UnreadableRecordError(`its field '${name}' is missing`);
      return null;
    }
    if (!inRange(value, spec)) throw new UnreadableRecordError(`its field '${name}' is out of range`);
    return toColumn(value, spec.type, name);
  });
}

function toColumn(value: Json, type: ColumnType, name: string): ColumnValue {
  if (type === "json" || fitsJson(type, value)) return JSON.stringify(value);
  if (type === "text" && typeof value === "string") return value;
  if (type === "integer" && Number.isSafeInteger(value)) return value as number;
  if (type === "boolean" && typeof value === "boolean") return value ? 1 : 0;
  throw new UnreadableRecordError(`its field '${name}' should be ${type}, but is ${typeof value}`);
}

function inRange(value: Json, { min, max, words }: FieldSpec): boolean {
  if (typeof value === "number") return value >= (min ?? value) && value <= (max ?? value);
  return words === undefined || (typeof value === "string" && words.includes(value));
}

function fitsJson(type: ColumnType, value: Json): boolean {
  if (type === "texts") return Array.isArray(value) && value.every((item) => typeof item === "string");
  return type === "object" && typeof value === "object" && !Array.isArray(value);
}

/** The fields of a row, by the kind's columns. */
export function columnsToFields(kind: RecordKind, row: Record<string, unknown>): Fields {
  const fields: Fields = {};
  for (const [name, { type }] of Object.entries(kind.fields)) {
    const value = row[name] as ColumnValue;
    if (value === null) fields[name] = null;
    else if (type === "boolean") fields[name] = value === 1;
    else if (type === "text" || type === "integer") fields[name] = value;
    else fields[name] = JSON.parse(value as string) as Json;
  }
  return fields;
}
