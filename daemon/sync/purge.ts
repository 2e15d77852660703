import { isPurged, purgedFields } from "../core/purge.ts";
import { purgedVersion } from "../core/purged-version.ts";
import type { Version } from "../core/record.ts";
import type { PulledRecord } from "../remote/remote.ts";
import type { Stored } from "../store/records.ts";
import type { WriteTx } from "../store/writer.ts";
import type { Applier } from "./apply-record.ts";

/** A conflict that arrives after its record was purged. */
export function purgeIfRecordIs(tx: WriteTx, { fields }: Version, applier: Applier): void {
  const { record_id: id } = fields;
  const record = typeof id === "string" ? tx.records.find(id) : null;
  if (record === null || !isPurged(record.version.fields)) return;
  purgeConflicts(tx, record.version.id, applier);
}

/** The remote has the record purged, in a version that cannot be read here. */
export function eraseUnread(tx: WriteTx, stored: Stored, record: PulledRecord, applier: Applier): void {
  const { version } = stored;
  const fields = purgedFields(version.kind, version.fields, applier.now);
  tx.records.put({ version: { ...version, fields }, rev: record.rev, base: null });
  tx.outbox.remove(version.id);
  purgeConflicts(tx, version.id, applier);
}

/** Purges the conflict records of a purged record: they hold its values. Whoever sees them does so; once is enough. */
export function purgeConflicts(tx: WriteTx, recordId: string, { machine, now }: Applier): void {
  tx.scrub();
  for (const { version, rev } of tx.records.conflictsOf(recordId)) {
    if (isPurged(version.fields)) continue;
    tx.records.put({
      version: purgedVersion(version, { at: now, machineId: machine.id, hlc: tx.clock.tick() }),
      rev,
      // Not the values that are gone: only that something is to be sent.
      base: rev === null ? null : { purged_at: null },
    });
    tx.outbox.add({ kind: version.kind, id: version.id }, now);
  }
}
