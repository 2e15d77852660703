import { conflictVersion } from "../../daemon/core/conflict.ts";
import type { FieldConflict } from "../../daemon/core/merge.ts";
import type { Fields } from "../../daemon/core/record.ts";
import type { Store } from "../../daemon/store/store.ts";
import { stamp } from "./store.ts";

export interface ConflictOptions extends Partial<FieldConflict> {
  /** When the two versions met, ms. */
  at?: number;
  /** Fields of the record put as they are, as another machine may send them. */
  raw?: Fields;
  /** The revision that the remote gave it; null while it has none. */
  rev?: number | null;
}

let serial = 0;

/**
 * Puts a conflict about an entry's field into the cache, as a merge leaves it: a note that `machine-a` and `machine-b`
 * wrote, the latter later. @returns its id
 */
export async function addConflict(
  store: Store,
  entryId: string,
  options: ConflictOptions = {},
): Promise<string> {
  const { at = 1_700_000_000_000, raw = {}, rev = null, ...given } = options;
  serial += 1;
  const conflict: FieldConflict = {
    field: "note",
    base: null,
    local: "local note",
    remote: "remote note",
    localClock: stamp(at - 2000, serial),
    remoteClock: stamp(at - 1000, serial, "bbbbbbbbbbbb"),
    winner: "remote",
    ...given,
  };
  return store.write.run((tx) => {
    const { version } = tx.records.get("history", entryId)!;
    const made = conflictVersion(
      conflict,
      { ...version, lastEditor: "machine-a" },
      { ...version, lastEditor: "machine-b" },
      tx.clock.tick(),
      at,
    );
    tx.records.put({ version: { ...made, fields: { ...made.fields, ...raw } }, rev, base: null });
    if (rev === null) tx.outbox.add({ kind: "conflict", id: made.id }, at);
    return made.id;
  });
}
