import type { SyncRecord } from "./record.ts";

/** What of the other machines' records this machine wants. Its own always come. */
export interface Wanted {
  /** Only entries of these scopes; null: of all that it may see. */
  scopes: readonly string[] | null;
  /** Only entries of these kinds (`command`, `chat`); null: of all. */
  kinds: readonly string[] | null;
  /** Only entries from this time on, ms since the epoch; null: however old. Later edits of older ones come as well. */
  since: number | null;
}

/**
 * Which records a machine gets: those that it may see (everything global, its own, its user's), and of other machines'
 * those that it wants.
 */
export interface Selection extends Wanted {
  machineId: string;
  user: string | null;
}

/** The part of a selection that does not move with the time, as text: a cursor holds for it. */
export function selectionKey({ machineId, user, scopes, kinds }: Selection, maxAgeMs: number | null): string {
  return JSON.stringify([machineId, user, scopes, kinds, maxAgeMs]);
}

/** Whether the remote selects a record, as it travels; the same in SQL is in remote/pull-statements.ts. */
export function isSelected(record: SyncRecord, { machineId, user, ...wanted }: Selection): boolean {
  const { scope, user_id: owner, timestamp, entry_kind: kind } = record;
  if (record.machine_id === machineId) return true;
  if (scope !== "global" && !(scope === "user" && owner !== null && owner === user)) return false;
  if (wanted.scopes !== null && !wanted.scopes.includes(scope)) return false;
  if (wanted.kinds !== null && kind !== null && !wanted.kinds.includes(kind)) return false;
  // What a hand put there instead of a number is later than any number, to SQLite.
  return wanted.since === null || typeof timestamp !== "number" || timestamp >= wanted.since;
}
