import type { Hlc } from "./hlc.ts";
import { canonicalJson, type Json } from "./json.ts";
import type { FieldConflict } from "./merge.ts";
import type { Fields, Version } from "./record.ts";
import { partsToUuid } from "./uuid.ts";

/**
 * Bytes of JSON that the three values of a conflict may have together. Each can be as large as a record may be, and
 * all three in one would be more than the remote takes (5 MB a value).
 */
export const MAX_CONFLICT_BYTES = 3_500_000;

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
  const { values, omitted } = boundedValues(conflict);
  const fields: Fields = {
    record_id: local.id,
    record_kind: local.kind,
    field: conflict.field,
    ...values,
    local_clock: conflict.localClock,
    remote_clock: conflict.remoteClock,
    local_machine: local.lastEditor,
    remote_machine: remote.lastEditor,
    winner: conflict.winner,
    decided_by: "last_write_wins",
    omitted,
    resolved_at: null,
    resolution: null,
    resolved_by: null,
    scope: local.fields.scope ?? "global",
    user: local.fields.user ?? null,
    timestamp: now,
    deleted_at: null,
    purged_at: null,
  };
  return {
    // Meeting the same clash again, after a crash say, must not report it twice. The values as well: two lives of one
    // machine can give one stamp twice.
    id: partsToUuid([
      local.id,
      conflict.field,
      conflict.localClock,
      conflict.remoteClock,
      canonicalJson(conflict.local),
      canonicalJson(conflict.remote),
    ]),
    kind: "conflict",
    machineId: local.lastEditor,
    lastEditor: local.lastEditor,
    hlc: stamp,
    clocks: null,
    fields,
  };
}

type Values = Record<"base_value" | "local_value" | "remote_value", Json>;

/**
 * The three values, without those that are too much: first the base, which nobody asks for, then the winner's, which
 * the record itself holds. Never the loser's, which is nowhere else.
 */
function boundedValues({ base, local, remote, winner }: FieldConflict): {
  values: Values;
  omitted: (keyof Values)[] | null;
} {
  const values: Values = { base_value: base, local_value: local, remote_value: remote };
  const omitted: (keyof Values)[] = [];
  for (const name of ["base_value", `${winner}_value`] as const) {
    if (bytesOf(values) <= MAX_CONFLICT_BYTES) break;
    // Nothing would be left out by that.
    if (values[name] === null) continue;
    values[name] = null;
    omitted.push(name);
  }
  return { values, omitted: omitted.length === 0 ? null : omitted };
}

function bytesOf(values: Values): number {
  return Object.values(values).reduce<number>(
    (sum, value) => sum + Buffer.byteLength(JSON.stringify(value)),
    0,
  );
}
