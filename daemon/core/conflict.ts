import type { Hlc } from "./hlc.ts";
import type { FieldConflict } from "./merge.ts";
import type { Fields, Version } from "./record.ts";
import { partsToUuid } from "./uuid.ts";

/**
 * The conflict record that keeps a losing value. It syncs like any record, so that every machine can show it.
 *
 * @param local what this machine had; @param remote what it met
 * @param stamp the merge's own clock stamp; @param now ms since the epoch
 */
export function conflictVersion(
  conflict: FieldConflict,
  local: Version,
  remote: Version,
  stamp: Hlc,
  now: number,
): Version {
  const fields: Fields = {
    record_id: local.id,
    record_kind: local.kind,
    field: conflict.field,
    base_value: conflict.base,
    local_value: conflict.local,
    remote_value: conflict.remote,
    local_clock: conflict.localClock,
    remote_clock: conflict.remoteClock,
    local_machine: local.lastEditor,
    remote_machine: remote.lastEditor,
    winner: conflict.winner,
    decided_by: "last_write_wins",
    scope: local.fields.scope ?? "global",
    user: local.fields.user ?? null,
    timestamp: now,
    deleted_at: null,
    purged_at: null,
  };
  return {
    // Meeting the same clash again, after a crash say, must not report it twice.
    id: partsToUuid([local.id, conflict.field, conflict.localClock, conflict.remoteClock]),
    kind: "conflict",
    machineId: local.lastEditor,
    lastEditor: local.lastEditor,
    hlc: stamp,
    clocks: null,
    fields,
  };
}
