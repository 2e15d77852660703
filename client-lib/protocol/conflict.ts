import Type, { type Static } from "typebox";
import { DEFAULT_LIST_LIMIT, MAX_LIST_LIMIT, MAX_NAME_BYTES } from "./limits.ts";
import { NullableInteger, NullableText, NullableTime, OneOf, Strict, Text, Time, Uuid } from "./schema.ts";

const SIDES = ["local", "remote"] as const;
const CHOICES = ["local", "remote", "merge"] as const;
const STATES = ["open", "resolved", "all"] as const;

const stamp = Type.String({ description: "clock stamp of that write" });
/** What a clock stamp can say: 48 bits of milliseconds. */
const stampTime = NullableInteger({ minimum: 0, maximum: 2 ** 48 - 1 }, "when that was, ms since the epoch");
const machine = Type.String({ description: "the machine that wrote it" });
const value = (description: string) => Type.Unsafe<unknown>({ description });

/**
 * A field that two machines changed to different values. `local` and `remote` are as seen from the machine that merged
 * them, wherever the conflict is looked at.
 */
export const Conflict = Strict({
  id: Uuid,
  record_id: Type.String({ description: "the record whose field it is" }),
  record_kind: Type.String({ description: "`history` for an entry" }),
  field: Type.String(),
  base_value: value("what both changed; null as well where that is not known"),
  local_value: value("what the machine that merged had"),
  remote_value: value("what it met"),
  omitted: Type.Array(Type.String(), {
    description: "values that are null here because together they would be too large: `base_value`, …",
  }),
  local_clock: stamp,
  remote_clock: stamp,
  local_at: stampTime,
  remote_at: stampTime,
  local_machine: machine,
  remote_machine: machine,
  winner: OneOf(SIDES, "the side whose value was taken when they met"),
  decided_by: Type.String({ description: "`last_write_wins`" }),
  current_value: value("what the record has now; null as well where it is not here any more"),
  record_summary: NullableText(
    800,
    "the first 200 characters of the entry's command; null where it is not here any more",
  ),
  timestamp: Time("when they met, ms since the epoch"),
  resolved_at: NullableTime("when somebody decided; null while the conflict is open"),
  resolution: Type.Unsafe<(typeof CHOICES)[number] | null>({
    type: ["string", "null"],
    enum: [...CHOICES, null],
    description: "what was decided",
  }),
  resolved_by: NullableText(MAX_NAME_BYTES, "who decided: the user, or the machine where none is configured"),
});
export type Conflict = Static<typeof Conflict>;

export const ConflictQuery = Strict({
  state: Type.Optional(OneOf(STATES, "`open` (the default): nobody has decided yet; `resolved`; `all`")),
  record: Type.Optional(Uuid),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LIST_LIMIT, default: DEFAULT_LIST_LIMIT })),
  cursor: Type.Optional(
    Text(256, { minLength: 1, description: "`next_cursor` of the page before, with the same filters" }),
  ),
});
export type ConflictQuery = Static<typeof ConflictQuery>;

/** A page of conflicts, newest first. `next_cursor` is null on the last page. */
export const ConflictPage = Strict({
  conflicts: Type.Array(Conflict),
  next_cursor: NullableText(256, "pass it as `cursor` to get the next, older page"),
});
export type ConflictPage = Static<typeof ConflictPage>;

export const ConflictParams = Strict({ id: Uuid });
export type ConflictParams = Static<typeof ConflictParams>;

/** How a conflict is to be settled. */
export const Resolution = Strict({
  choice: OneOf(CHOICES, "the side whose value the record gets, or `merge` for another value"),
  value: Type.Optional(
    value("the value for `merge`, by the rules of its field; `deleted_at` is a time or null"),
  ),
});
export type Resolution = Static<typeof Resolution>;
