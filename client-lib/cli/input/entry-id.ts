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

/** What an id names is not known, or not the only one of that name. */
export class IdError extends Error {
  override readonly name = "IdError";
}

/**
 * The entry with this id, or the newest that ends in it. Every lens is looked through, newest entries first, and the
 * search ends on the first page that has a match: an older entry with the same end needs its whole id.
 * @throws IdError, ApiError
 */
export async function findEntry(client: Client, id: string): Promise<Entry> {
  if (WHOLE_ID.test(id)) return client.get(id);
  const end = toIdEnd(id);
  for await (const entries of newestFirst(client)) {
    const [found, ...others] = entries.filter((entry) => entry.id.endsWith(end));
    if (others.length > 0) throw ambiguous(id, [found!, ...others]);
    if (found !== undefined) return found;
  }
  throw new IdError(
    `no entry ends in '${id}' (looked through the newest ${MAX_LOOKED_AT.toLocaleString("en-US")}); list shows the ends of ids, list --json whole ones; what was deleted needs its whole id`,
  );
}

/** Whether it is an id, and not only the end of one. */
export function isWholeId(text: string): boolean {
  return WHOLE_ID.test(text);
}

/** What the id must end in. @throws IdError for what is no id and no end of one */
export function toIdEnd(id: string): string {
  if (WHOLE_ID.test(id) || END_OF_ID.test(id)) return id.toLowerCase();
  throw new IdError(
    `'${id}' is no id: give a whole id, or its last 4 or more characters, as lists show them`,
  );
}

/** The whole id of an entry that is named by it or by its end. @throws as `findEntry` */
export async function findEntryId(client: Client, id: string): Promise<string> {
  return WHOLE_ID.test(id) ? id.toLowerCase() : (await findEntry(client, id)).id;
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

function ambiguous(id: string, entries: Entry[]): IdError {
  const shown = entries.slice(0, 5).map((entry) => `${entry.id} (${entry.command.slice(0, 40)})`);
  const more = entries.length > shown.length ? `, and ${entries.length - shown.length} more` : "";
  return new IdError(
    `${entries.length} entries end in '${id}'; give more of the id: ${shown.join(", ")}${more}`,
  );
}
