import { type Hlc, hlcToNode } from "./hlc.ts";
import { type Json, sameJson } from "./json.ts";
import { isPurged, purgedFields } from "./purge.ts";
import type { FieldClocks, Fields, Version } from "./record.ts";

/** A field that both sides changed to different values. The loser's value lives on in a conflict record. */
export interface FieldConflict {
  field: string;
  /** Null as well where the common version is not known. */
  base: Json;
  local: Json;
  remote: Json;
  localClock: Hlc;
  remoteClock: Hlc;
  winner: "local" | "remote";
}

export interface Merged {
  fields: Fields;
  clocks: FieldClocks | null;
  conflicts: FieldConflict[];
  /** Whether the merged fields differ from the remote's, so that they must be sent. */
  ahead: boolean;
}

/** When this version's value of a field was written. */
export function fieldClock(version: Pick<Version, "hlc" | "clocks">, field: string): Hlc {
  return version.clocks?.[field] ?? birth(version);
}

/** The stamp of a record's creation. */
function birth(version: Pick<Version, "hlc" | "clocks">): Hlc {
  return version.clocks?.["*"] ?? version.hlc;
}

/** The clocks of a version after an edit of some of its fields. */
export function editedClocks(
  before: Pick<Version, "hlc" | "clocks">,
  fields: Iterable<string>,
  hlc: Hlc,
): FieldClocks {
  const clocks: FieldClocks = { ...before.clocks, "*": birth(before) };
  for (const field of fields) clocks[field] = hlc;
  return clocks;
}

/** The fields of `from` whose value differs in `to`, with the values they have in `from`; null where none differs. */
export function changedFields(from: Fields, to: Fields): Fields | null {
  const changed: Fields = {};
  for (const field of fieldNames(from, to)) {
    const value = from[field] ?? null;
    if (!sameJson(value, to[field] ?? null)) changed[field] = value;
  }
  return Object.keys(changed).length === 0 ? null : changed;
}

/**
 * Three-way merge, field by field: changed on one side, taken; changed on both sides to different values, the later
 * write wins and a conflict is reported. A field that one side lacks counts as null. A purge wins over everything and
 * leaves nothing to keep in a conflict.
 *
 * @param base the values from which the local edits started. Null when the record was never acknowledged: then a
 *   field counts as changed where its clock is later than the record's creation, which both sides know.
 */
export function mergeVersions(base: Fields | null, local: Version, remote: Version): Merged {
  if (isPurged(remote.fields))
    return { fields: remote.fields, clocks: remote.clocks, conflicts: [], ahead: false };
  if (isPurged(local.fields)) return purgeOver(local, remote);
  const fields: Fields = {};
  const clocks: FieldClocks = { ...remote.clocks };
  const conflicts: FieldConflict[] = [];
  let ahead = false;
  const sameBirth = birth(local) === birth(remote);

  for (const field of fieldNames(local.fields, remote.fields)) {
    const ours = local.fields[field] ?? null;
    const theirs = remote.fields[field] ?? null;
    if (sameJson(ours, theirs)) {
      fields[field] = theirs;
      continue;
    }
    const localClock = fieldClock(local, field);
    const remoteClock = fieldClock(remote, field);
    const localChanged = base
      ? !sameJson(ours, base[field] ?? null) || supersedes(localClock, remoteClock)
      : !sameBirth || localClock !== birth(local);
    const remoteChanged = base
      ? !sameJson(theirs, base[field] ?? null)
      : !sameBirth || remoteClock !== birth(remote);

    let winner: "local" | "remote" = localChanged ? "local" : "remote";
    if (localChanged && remoteChanged) {
      winner = localClock > remoteClock ? "local" : "remote";
      conflicts.push({
        field,
        base: base?.[field] ?? null,
        local: ours,
        remote: theirs,
        localClock,
        remoteClock,
        winner,
      });
    }
    fields[field] = winner === "local" ? ours : theirs;
    if (winner === "local") {
      ahead = true;
      clocks["*"] ??= birth(remote);
      clocks[field] = localClock;
    }
  }
  return { fields, clocks: Object.keys(clocks).length === 0 ? null : clocks, conflicts, ahead };
}

/** Their version, purged as ours is. */
function purgeOver(local: Version, remote: Version): Merged {
  const fields = purgedFields(remote.kind, remote.fields, local.fields.purged_at as number);
  const clocks = { ...remote.clocks, "*": birth(remote), purged_at: fieldClock(local, "purged_at") };
  return { fields, clocks, conflicts: [], ahead: true };
}

/**
 * Whether the same machine wrote both values, the first one later. Then it was a change, even one back to the base:
 * the value between was sent, and its acknowledgement was lost.
 */
function supersedes(later: Hlc, earlier: Hlc): boolean {
  return hlcToNode(later) === hlcToNode(earlier) && later > earlier;
}

function fieldNames(a: Fields, b: Fields): Set<string> {
  return new Set([...Object.keys(a), ...Object.keys(b)]);
}
