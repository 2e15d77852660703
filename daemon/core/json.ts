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

/**
 * How deep arrays and objects may lie in one another where we did not write them: whatever walks deeper values calls
 * itself until the stack is full, and SQLite's own JSON functions stop at 1,000.
 */
export const MAX_JSON_DEPTH = 500;

/** Whether more than `levels` arrays and objects lie in one another. */
export function isDeeperThan(value: Json, levels: number): boolean {
  if (!isObject(value)) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(inner, levels - 1));
}

function isObject(value: Json): value is Json[] | { [key: string]: Json } {
  return typeof value === "object" && value !== null;
}
