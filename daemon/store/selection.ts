import type { Selection } from "../core/selection.ts";
import type { MachineReads } from "./machines.ts";
import type { RecordKind } from "./record-kinds.ts";

/**
 * What the remote selects by, over the columns of this cache. Named parameters: `$machine`, `$user`, `$scopes`,
 * `$kinds`, and `$since` in `recent`.
 */
export function selectionSql(kind: RecordKind): { wanted: string; recent: string } {
  const kinds =
    kind.kind === "history" ? "AND ($kinds IS NULL OR kind IN (SELECT value FROM json_each($kinds)))" : "";
  return {
    wanted: `machine = $machine OR (
      (scope = 'global' OR (scope = 'user' AND user IS NOT NULL AND user IS $user))
      AND ($scopes IS NULL OR scope IN (SELECT value FROM json_each($scopes))) ${kinds})`,
    recent: "machine = $machine OR $since IS NULL OR timestamp >= $since",
  };
}

/** The values of those parameters but `$since`. SQLite passes over those that a statement does not name. */
export function selectionValues(
  { machineId, user, scopes, kinds }: Selection,
  machines: MachineReads,
): Record<string, string | number | null> {
  return {
    // No row has this key: a machine that never recorded anything owns nothing.
    machine: machines.key(machineId) ?? -1,
    user,
    scopes: scopes && JSON.stringify(scopes),
    kinds: kinds && JSON.stringify(kinds),
  };
}
