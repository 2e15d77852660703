import type { Hlc } from "./hlc.ts";
import { changedFields, editedClocks } from "./merge.ts";
import { purgedFields } from "./purge.ts";
import type { Version } from "./record.ts";

/**
 * A version whose content is erased, as an edit of what was there.
 * @param by when, ms since the epoch, on which machine, and under which stamp
 */
export function purgedVersion(version: Version, by: { at: number; machineId: string; hlc: Hlc }): Version {
  const fields = purgedFields(version.kind, version.fields, by.at);
  const erased = Object.keys(changedFields(version.fields, fields) ?? {});
  return {
    ...version,
    lastEditor: by.machineId,
    hlc: by.hlc,
    clocks: editedClocks(version, erased, by.hlc),
    fields,
  };
}
