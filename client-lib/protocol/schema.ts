import Type, { type TSchema, type TUnsafe } from "typebox";
import { MAX_TIME_MS } from "./limits.ts";

/**
 * Building blocks of the wire schemas. `x-max-bytes` is a keyword of ours, checked by the daemon's validator: JSON
 * Schema's own `maxLength` counts characters, while every limit of storage and network counts bytes.
 */
export function Text(maxBytes: number, options: { minLength?: number; description?: string } = {}) {
  return Type.String({ "x-max-bytes": maxBytes, "x-well-formed": true, ...options });
}

/** `T | null`, written as a type list: the serializer is faster on it than on a union. */
export function NullableText(maxBytes: number, description: string): TUnsafe<string | null> {
  return Type.Unsafe<string | null>({
    type: ["string", "null"],
    "x-max-bytes": maxBytes,
    "x-well-formed": true,
    description,
  });
}

export function NullableInteger(range: { minimum: number; maximum: number }, description: string) {
  return Type.Unsafe<number | null>({ type: ["integer", "null"], ...range, description });
}

/** Integer milliseconds since the epoch, UTC. */
export function Time(description: string) {
  return Type.Integer({ minimum: 0, maximum: MAX_TIME_MS, description });
}

export function NullableTime(description: string) {
  return NullableInteger({ minimum: 0, maximum: MAX_TIME_MS }, description);
}

/** One of a few words. An `enum` rather than a union of constants: its errors can list what was allowed. */
export function OneOf<const Values extends readonly string[]>(values: Values, description: string) {
  return Type.Unsafe<Values[number]>({ type: "string", enum: [...values], description });
}

export const UUID_PATTERN = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$";

/** Any UUID in its usual lower- or upper-case text form; historyd itself makes version 7 (RFC 9562). */
export const Uuid = Type.String({
  pattern: UUID_PATTERN,
  description: "a UUID, such as 0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33",
});

/** An object that refuses every field it does not name. */
export function Strict<Properties extends Record<string, TSchema>>(
  properties: Properties,
  options: { description?: string; minProperties?: number } = {},
) {
  return Type.Object(properties, { additionalProperties: false, ...options });
}
