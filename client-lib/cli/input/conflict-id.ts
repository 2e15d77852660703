import type { Client } from "../../client.ts";
import type { Conflict, ConflictQuery } from "../../protocol/conflict.ts";
import { IdError, toIdEnd } from "./entry-id.ts";

const PAGE = 1000;

/** All conflicts of that state, newest first. Those that are settled meanwhile do not disturb it. */
export async function* eachConflict(
  client: Client,
  state: NonNullable<ConflictQuery["state"]>,
): AsyncGenerator<Conflict> {
  let cursor: string | null = null;
  do {
    const query: ConflictQuery = cursor === null ? { state, limit: PAGE } : { state, limit: PAGE, cursor };
    const page = await client.conflicts(query);
    yield* page.conflicts;
    cursor = page.next_cursor;
  } while (cursor !== null);
}

/** The conflicts with these ids, or the only ones that end in them; settled ones included. @throws IdError, ApiError */
export async function findConflicts(client: Client, ids: readonly string[]): Promise<Conflict[]> {
  const ends = ids.map(toIdEnd);
  const found = ends.map((): Conflict[] => []);
  for await (const conflict of eachConflict(client, "all")) {
    for (const [index, end] of ends.entries()) if (conflict.id.endsWith(end)) found[index]!.push(conflict);
  }
  return found.map(([conflict, ...others], index) => {
    const id = ids[index]!;
    if (conflict === undefined) {
      throw new IdError(`no conflict ends in '${id}'; historyctl sync conflicts --all shows their ids`);
    }
    if (others.length === 0) return conflict;
    const all = [conflict, ...others].map((each) => each.id).join(", ");
    throw new IdError(`${others.length + 1} conflicts end in '${id}'; give more of the id: ${all}`);
  });
}
