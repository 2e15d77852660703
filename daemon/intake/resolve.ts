import type { Resolution } from "../../client-lib/protocol/conflict.ts";
import { type Json, sameJson } from "../core/json.ts";
import { fieldClock } from "../core/merge.ts";
import { isPurged } from "../core/purge.ts";
import { type Fields, UnreadableRecordError } from "../core/record.ts";
import type { Stored } from "../store/records.ts";
import type { WriteTx } from "../store/writer.ts";
import { applyChange, type Editor, writeAudit } from "./change.ts";
import { toFields } from "./fields.ts";
import { RecorderError } from "./recorder-error.ts";
import { checkRestorable } from "./restore.ts";

/**
 * Settles a conflict: the record's field gets the chosen value, and the conflict says so. Both are edits like any
 * other, and sync as such. The same choice again changes nothing, so that a later edit of the field stays.
 *
 * @param value for `merge`, checked by the caller against what the field may hold
 * @returns id of the record; null where nothing was written
 * @throws RecorderError `HD_NOT_FOUND`; `HD_GONE` where the record is not here any more, `HD_DELETED` where it is
 *   deleted and would change, `HD_OMITTED` where the chosen value is not known, `HD_RESTORE_EXPIRED`, `HD_INVALID`
 */
export function resolveConflict(
  tx: WriteTx,
  id: string,
  resolution: Resolution,
  editor: Editor,
): string | null {
  const { choice } = resolution;
  const conflict = tx.records.get("conflict", id);
  if (conflict === null || conflict.version.fields.deleted_at != null || isPurged(conflict.version.fields)) {
    throw new RecorderError("HD_NOT_FOUND", `there is no conflict ${id} on this machine`);
  }
  const { fields } = conflict.version;
  const isRepeated = fields.resolution === choice;
  if (isRepeated && choice !== "merge") return null;

  const record = recordOf(tx, fields);
  const field = fields.field as string;
  if (!Object.hasOwn(record.version.fields, field)) {
    throw new RecorderError("HD_INVALID", "the record of this conflict has no such field here");
  }
  const value = chosenValue(fields, record, resolution);
  const changed = setField(tx, record, field, value, editor);
  if (isRepeated && !changed) return null;
  applyChange(
    tx,
    conflict,
    { resolved_at: editor.now(), resolution: choice, resolved_by: editor.user ?? editor.machineId },
    editor,
  );
  writeAudit(tx, "resolve", record.version, { conflict: id, field, choice }, editor);
  return record.version.id;
}

function recordOf(tx: WriteTx, { record_kind: kind, record_id: id }: Fields): Stored {
  // Another machine may know more kinds than this one.
  const isKnown = tx.records.schemaOf(kind as string) !== null;
  const record = isKnown ? tx.records.get(kind as string, id as string) : null;
  if (record === null || isPurged(record.version.fields)) {
    throw new RecorderError(
      "HD_GONE",
      "the record of this conflict was purged, or is not on this machine any more",
    );
  }
  return record;
}

function chosenValue(fields: Fields, record: Stored, { choice, value }: Resolution): Json {
  const field = fields.field as string;
  if (choice === "merge") return toFields({ [field]: value })[field] ?? null;
  const omitted = (fields.omitted ?? []) as string[];
  if (!omitted.includes(`${choice}_value`)) return fields[`${choice}_value`] ?? null;
  // It is the winner's: unless the field was written since, the record has it.
  if (fieldClock(record.version, field) === fields[`${choice}_clock`]) {
    return record.version.fields[field] ?? null;
  }
  throw new RecorderError(
    "HD_OMITTED",
    `the ${choice} value was too large for the conflict to keep, and '${field}' was edited since; choose 'merge' and send the value`,
  );
}

function setField(tx: WriteTx, record: Stored, field: string, value: Json, editor: Editor): boolean {
  const { id, fields } = record.version;
  if (sameJson(value, fields[field] ?? null)) return false;
  if (field === "purged_at") {
    throw new RecorderError("HD_INVALID", `'purged_at' is no choice: POST /v1/history/${id}/purge erases`);
  }
  if (field === "deleted_at") {
    if (value === null) checkRestorable(record, editor.now());
  } else if (fields.deleted_at != null) {
    throw new RecorderError(
      "HD_DELETED",
      `entry ${id} is deleted; restore it first (POST /v1/history/${id}/restore)`,
    );
  }
  try {
    applyChange(tx, record, { [field]: value }, editor);
    return true;
  } catch (cause) {
    // The values of a conflict came from other machines, and were never looked at.
    if (!(cause instanceof UnreadableRecordError)) throw cause;
    throw new RecorderError("HD_INVALID", `the record cannot take that value: ${cause.message}`, { cause });
  }
}
