import Type, { type Static } from "typebox";
import { DEFAULT_LIST_LIMIT, MAX_LIST_LIMIT, MAX_NAME_BYTES } from "./limits.ts";
import { NullableText, Strict, Text, Time, Uuid } from "./schema.ts";

export const AuditQuery = Strict({
  record: Type.Optional(Uuid),
  action: Type.Optional(Text(64, { minLength: 1, description: "only this action, such as `purge`" })),
  since: Type.Optional(Time("only events at or after this time, ms since the epoch")),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LIST_LIMIT, default: DEFAULT_LIST_LIMIT })),
  cursor: Type.Optional(
    Text(256, { minLength: 1, description: "`next_cursor` of the page before, with the same filters" }),
  ),
});
export type AuditQuery = Static<typeof AuditQuery>;

/** Who changed what. Names of fields only: an audit must not become another copy of the history. */
export const AuditEvent = Strict({
  seq: Type.Integer({ minimum: 1, description: "its number on this machine, in the order of arrival" }),
  at: Type.Integer({ minimum: 0, description: "when it was done, ms since the epoch" }),
  action: Type.String({ description: "`edit`, `delete`, `restore`, `purge`, `resolve`, …; more may come" }),
  record_kind: NullableText(MAX_NAME_BYTES, "`history` for an entry"),
  record_id: NullableText(MAX_NAME_BYTES, "what was changed"),
  machine_id: Type.String({ description: "where it was done" }),
  user: NullableText(MAX_NAME_BYTES, "who did it, where that is known here"),
  details: Type.Unsafe<Record<string, unknown>>({
    type: "object",
    additionalProperties: true,
    description: "names of fields (`fields`), the `conflict` and the `choice`, …; never values",
  }),
});
export type AuditEvent = Static<typeof AuditEvent>;

/** A page of events, newest first. `next_cursor` is null on the last page. */
export const AuditPage = Strict({
  events: Type.Array(AuditEvent),
  next_cursor: NullableText(256, "pass it as `cursor` to get the next, older page"),
});
export type AuditPage = Static<typeof AuditPage>;
