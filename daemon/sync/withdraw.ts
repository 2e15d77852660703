import { conflictVersion } from "../core/conflict.ts";
import type { Hlc } from "../core/hlc.ts";
import type { Version } from "../core/record.ts";
import type { Stored } from "../store/records.ts";
import type { WriteTx } from "../store/writer.ts";
import type { Applier } from "./apply-record.ts";
import type { Changes } from "./changes.ts";

/** What took a record from this machine. */
export interface Withdrawal {
  /** `withdrawn`: an edit took it out of this machine's sight; `collected`: it was deleted long ago. */
  why: "withdrawn" | "collected";
  hlc: Hlc;
  last_editor: string;
}

/**
 * A record that this machine may no longer have leaves its cache. Unsent edits of it are kept as conflict records: of
 * one that was withdrawn only this machine sees them. What was restored here comes back.
 */
export function withdraw(
  tx: WriteTx,
  stored: Stored,
  { why, hlc, last_editor: editor }: Withdrawal,
  { machine, now }: Applier,
  changes: Changes,
): void {
  const local = stored.version;
  if (why === "collected" && isRestored(stored)) {
    tx.records.put({ version: local, rev: null, base: null });
    tx.outbox.add({ kind: local.kind, id: local.id }, now);
    return;
  }
  const edited = editedFields(stored);
  for (const field of edited) {
    const conflict = {
      field,
      base: stored.base?.[field] ?? null,
      local: local.fields[field] ?? null,
      remote: null,
      localClock: local.hlc,
      remoteClock: hlc,
      winner: "remote" as const,
    };
    const kept = conflictVersion(
      conflict,
      local,
      { ...local, lastEditor: editor, hlc },
      tx.clock.tick(),
      now,
    );
    const fields = why === "withdrawn" ? { ...kept.fields, scope: "machine" } : kept.fields;
    const version: Version = { ...kept, machineId: machine.id, fields };
    tx.records.put({ version, rev: null, base: null });
    tx.outbox.add({ kind: kept.kind, id: kept.id }, now);
    changes.conflicts.push({ id: kept.id, recordId: local.id, field });
  }
  tx.records.drop(local.kind, local.id);
  tx.outbox.remove(local.id);
  changes.downloaded += 1;
  tx.audit.add({
    at: now,
    action: why,
    recordKind: local.kind,
    recordId: local.id,
    machineId: editor,
    user: null,
    details: edited.length === 0 ? null : { fields: edited },
  });
}

/**
 * Fields whose values may be nowhere else. Of a record without a revision, one that the remote lost and got from
 * another machine, it is not known which were sent: all that were ever edited count.
 */
function editedFields({ version, rev, base }: Stored): string[] {
  const names = Object.keys((rev === null ? version.clocks : base) ?? {});
  return names.filter((name) => !NO_CONTENT.includes(name));
}

const NO_CONTENT = ["*", "scope", "user", "timestamp", "purged_at"];

/** Whether somebody undid the delete here, which the remote has not heard of. */
function isRestored({ version, base }: Stored): boolean {
  return base !== null && base.deleted_at != null && version.fields.deleted_at == null;
}
