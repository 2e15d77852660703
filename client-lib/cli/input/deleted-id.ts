import type { Client } from "../../client.ts";
import { IdError, isWholeId, toIdEnd } from "./entry-id.ts";

/** What was deleted by hand a moment ago is among these; what is older needs its whole id. */
const LOOKED_AT = 1000;

/**
 * The whole id of a deleted entry that is named by it or by its end. No list has deleted entries, so ends are looked
 * up among those that the audit says were deleted.
 * @throws IdError, ApiError
 */
export async function findDeletedId(client: Client, id: string): Promise<string> {
  const end = toIdEnd(id);
  if (isWholeId(id)) return end;
  const { events } = await client.audit({ action: "delete", limit: LOOKED_AT });
  const ids = new Set(events.flatMap(({ record_id: each }) => (each?.endsWith(end) === true ? [each] : [])));
  const [found, ...others] = ids;
  if (found === undefined) {
    throw new IdError(`no entry that was deleted lately ends in '${id}'; give its whole id`);
  }
  if (others.length > 0) {
    throw new IdError(
      `${ids.size} deleted entries end in '${id}'; give more of the id: ${[...ids].join(", ")}`,
    );
  }
  return found;
}
