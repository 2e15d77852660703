import type { Json } from "../core/json.ts";
import { changedFields, editedClocks } from "../core/merge.ts";
import type { Fields } from "../core/record.ts";
import type { Stored } from "../store/records.ts";
import type { WriteTx } from "../store/writer.ts";

/** Who changes what is here, and when. */
export interface Editor {
  machineId: string;
  user: string | null;
  /** Milliseconds since the epoch. */
  now: () => number;
}

export interface Changed {
  stored: Stored;
  /** Names of the fields that are another now; none where nothing was written. */
  fields: string[];
}

/**
 * Changes a record that is there: stamped, with what the remote has of it as its base, and queued. Where nothing
 * differs nothing is written.
 */
export function applyChange(tx: WriteTx, existing: Stored, changes: Fields, editor: Editor): Changed {
  const { version } = existing;
  const fields = { ...version.fields, ...changes };
  const before = changedFields(version.fields, fields);
  if (before === null) return { stored: existing, fields: [] };
  const names = Object.keys(before);
  const hlc = tx.clock.tick();
  const stored: Stored = {
    version: {
      ...version,
      lastEditor: editor.machineId,
      hlc,
      clocks: editedClocks(version, names, hlc),
      fields,
    },
    rev: existing.rev,
    // What the remote has never seen has no base; else the oldest value since then is what the edits started from.
    base: existing.rev === null ? null : { ...before, ...existing.base },
  };
  tx.records.put(stored);
  tx.outbox.add({ kind: version.kind, id: version.id }, editor.now());
  return { stored, fields: names };
}

export type Action = "edit" | "delete" | "restore" | "purge" | "resolve";

/** Writes down what was done to a record, in the transaction of the change. @param details names, never values */
export function writeAudit(
  tx: WriteTx,
  action: Action,
  record: { kind: string; id: string },
  details: { [name: string]: Json } | null,
  editor: Editor,
): void {
  tx.audit.add({
    at: editor.now(),
    action,
    recordKind: record.kind,
    recordId: record.id,
    machineId: editor.machineId,
    user: editor.user,
    details,
  });
}
