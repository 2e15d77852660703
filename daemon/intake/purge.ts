import { isPurged } from "../core/purge.ts";
import { purgedVersion } from "../core/purged-version.ts";
import type { Stored } from "../store/records.ts";
import type { WriteTx } from "../store/writer.ts";
import { type Editor, writeAudit } from "./change.ts";

/**
 * Erases the content of a record and of its conflict records, for good; what is left is sent, so that it is erased
 * everywhere. One that was purged before keeps its time, and loses what has come up since.
 * @returns when it was purged, and whether anything was left to purge
 */
export function purgeRecord(tx: WriteTx, existing: Stored, editor: Editor): { at: number; changed: boolean } {
  const { id, kind, fields } = existing.version;
  const at = isPurged(fields) ? (fields.purged_at as number) : editor.now();
  const left = [existing, ...tx.records.conflictsOf(id)].filter(({ version }) => !isPurged(version.fields));
  for (const stored of left) putPurged(tx, stored, at, editor);
  tx.setAside.remove(id);
  tx.scrub();
  if (left.includes(existing)) writeAudit(tx, "purge", { kind, id }, null, editor);
  return { at, changed: left.length > 0 };
}

function putPurged(tx: WriteTx, { version, rev }: Stored, at: number, editor: Editor): void {
  tx.records.put({
    version: purgedVersion(version, { at, machineId: editor.machineId, hlc: tx.clock.tick() }),
    rev,
    // Enough to say that there is something to send. The values before the purge would be a copy of the content.
    base: rev === null ? null : { purged_at: null },
  });
  tx.outbox.add({ kind: version.kind, id: version.id }, editor.now());
}
