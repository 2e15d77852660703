/** What JSON can say. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/**
 * JSON text that depends on the value alone, not on the order in which its keys were written: keys sorted by UTF-16
 * code unit, no white space (the ordering of RFC 8785). Two machines that hold the same record make the same text.
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = Object.keys(value)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] as Json)}`);
  return `{${members.join(",")}}`;
}

/** Equality of JSON values, whatever the order of their keys. */
export function sameJson(a: Json, b: Json): boolean {
  return a === b || (isObject(a) && isObject(b) && canonicalJson(a) === canonicalJson(b));
}

function isObject(value: Json): boolean {
  return typeof value === "object" && value !== null;
}
