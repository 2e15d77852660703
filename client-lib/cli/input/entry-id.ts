import type { Client } from "../../client.ts";
import type { Entry } from "../../protocol/entry.ts";
import type { ListQuery } from "../../protocol/history.ts";

/** How many characters of an id lists show. */
const SHORT_LENGTH = 8;

/**
 * The end of an id, by which people name an entry. A UUIDv7 begins with the time, so entries of one minute begin
 * alike; its last 32 bits are random.
 */
export function shortId(id: string): string {
  return id.slice(-SHORT_LENGTH);
}

const WHOLE_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const END_OF_ID = /^[0-9a-f-]{4,35}$/i;

/** What somebody just saw in a list is found at once; what they found by a search may be far back. */
const FIRST_PAGE = 100;
const PAGE = 1000;
const MAX_LOOKED_AT = 100_000;

/** The entry is not known, or not the only one of that name. */
class EntryIdError extends Error {
  override readonly name = "EntryIdError";
}

/**
 * The entry with this id, or the newest that ends in it. Every lens is looked through, newest entries first, and the
 * search ends on the first page that has a match: an older entry with the same end needs its whole id.
 * @throws EntryIdError, ApiError
 */
export async function findEntry(client: Client, id: string): Promise<Entry> {
  if (WHOLE_ID.test(id)) return client.get(id);
  if (!END_OF_ID.test(id)) {
    throw new EntryIdError(
      `'${id}' is no id: give a whole id, or its last 4 or more characters, as list shows them`,
    );
  }
  const end = id.toLowerCase();
  for await (const entries of newestFirst(client)) {
    const [found, ...others] = entries.filter((entry) => entry.id.endsWith(end));
    if (others.length > 0) throw ambiguous(id, [found!, ...others]);
    if (found !== undefined) return found;
  }
  throw new EntryIdError(
    `no entry ends in '${id}' (looked through the newest ${MAX_LOOKED_AT.toLocaleString("en-US")}); list shows the ends of ids, list --json whole ones`,
  );
}

async function* newestFirst(client: Client): AsyncGenerator<Entry[]> {
  let query: ListQuery = { mode: "hybrid", limit: FIRST_PAGE };
  for (let looked = 0; looked < MAX_LOOKED_AT; looked += PAGE) {
    const { entries, next_cursor: cursor } = await client.list(query);
    yield entries;
    if (cursor === null) return;
    query = { mode: "hybrid", limit: PAGE, cursor };
  }
}

function ambiguous(id: string, entries: Entry[]): EntryIdError {
  const shown = entries.slice(0, 5).map((entry) => `${entry.id} (${entry.command.slice(0, 40)})`);
  const more = entries.length > shown.length ? `, and ${entries.length - shown.length} more` : "";
  return new EntryIdError(
    `${entries.length} entries end in '${id}'; give more of the id: ${shown.join(", ")}${more}`,
  );
}
