import Type, { type Static } from "typebox";
import { Entry, EntryKind, Mode, NewEntry } from "./entry.ts";
import {
  DEFAULT_LIST_LIMIT,
  DEFAULT_SEARCH_LIMIT,
  MAX_BATCH_ENTRIES,
  MAX_LIST_LIMIT,
  MAX_NAME_BYTES,
  MAX_QUERY_BYTES,
  MAX_SEARCH_LIMIT,
  MAX_TAG_BYTES,
} from "./limits.ts";
import { NullableText, OneOf, Strict, Text, Time, Uuid } from "./schema.ts";

const filter = (maxBytes: number, description: string) =>
  Type.Optional(Text(maxBytes, { minLength: 1, description }));

/** The filters shared by listing and searching; they combine with "and". */
const Filters = {
  mode: Type.Optional(Mode),
  user: filter(MAX_NAME_BYTES, "only this user's entries; also whose lens `user` and `hybrid` look through"),
  machine: filter(MAX_NAME_BYTES, "only entries of this machine id"),
  session: filter(MAX_NAME_BYTES, "only entries of this session id"),
  cwd: filter(MAX_NAME_BYTES, "only entries run in exactly this folder"),
  kind: Type.Optional(EntryKind),
  tag: filter(MAX_TAG_BYTES, "only entries with this tag"),
  exit_code: Type.Optional(Type.Integer({ minimum: -2_147_483_648, maximum: 2_147_483_647 })),
  since: Type.Optional(Time("only entries at or after this time, ms since the epoch")),
  until: Type.Optional(Time("only entries before this time, ms since the epoch")),
};

export const EntryParams = Strict({ id: Uuid });
export type EntryParams = Static<typeof EntryParams>;

export const ListQuery = Strict({
  ...Filters,
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LIST_LIMIT, default: DEFAULT_LIST_LIMIT })),
  cursor: Type.Optional(
    Text(256, { minLength: 1, description: "`next_cursor` of the page before, with the same filters" }),
  ),
});
export type ListQuery = Static<typeof ListQuery>;

/** A page of entries, newest first. `next_cursor` is null on the last page. */
export const EntryPage = Strict({
  entries: Type.Array(Entry),
  next_cursor: NullableText(256, "pass it as `cursor` to get the next, older page"),
});
export type EntryPage = Static<typeof EntryPage>;

export const NewEntryBatch = Strict({
  entries: Type.Array(NewEntry, { minItems: 1, maxItems: MAX_BATCH_ENTRIES }),
});
export type NewEntryBatch = Static<typeof NewEntryBatch>;

/** All of a batch, stored; `created` counts those that were not there before. */
export const StoredBatch = Strict({
  entries: Type.Array(Entry),
  created: Type.Integer({ minimum: 0 }),
});
export type StoredBatch = Static<typeof StoredBatch>;

export const SearchQuery = Strict({
  q: Text(MAX_QUERY_BYTES, {
    minLength: 1,
    description:
      'words, each matching from its beginning; a "quoted phrase" matches as it stands; everything else is text',
  }),
  ...Filters,
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: MAX_SEARCH_LIMIT, default: DEFAULT_SEARCH_LIMIT }),
  ),
});
export type SearchQuery = Static<typeof SearchQuery>;

/** The answer to a purge. */
export const Purged = Strict({ id: Uuid, purged_at: Time("when it was first purged, ms since the epoch") });
export type Purged = Static<typeof Purged>;

const SOURCES = ["global", "user", "machine"] as const;

/** An entry that was found, with how well it fits. */
export const SearchResult = Strict({
  ...Entry.properties,
  score: Type.Number({ description: "higher is better; comparable within one answer only" }),
  snippet: Type.String({
    description: "an excerpt, matches between `<mark>` and `</mark>`; plain text, not HTML",
  }),
  source: OneOf(SOURCES, "the nearest lens it was seen through"),
});
export type SearchResult = Static<typeof SearchResult>;

export const SearchAnswer = Strict({ results: Type.Array(SearchResult) });
export type SearchAnswer = Static<typeof SearchAnswer>;
