import type { EntryPatch, NewEntry } from "../../client-lib/protocol/entry.ts";
import type { Json } from "../core/json.ts";
import type { Fields } from "../core/record.ts";

/** The fields of an entry as a record keeps them: what is empty is null, ids are in lower case. */
export function toFields(given: Omit<NewEntry, "id"> | EntryPatch): Fields {
  const fields: Fields = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    fields[name] = name === "caused_by" ? toId(value) : isEmpty(value) ? null : (value as Json);
  }
  return fields;
}

function toId(value: unknown): string | null {
  return typeof value === "string" ? value.toLowerCase() : null;
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
