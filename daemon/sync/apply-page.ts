import { conflictVersion } from "../core/conflict.ts";
import { hlcToNode } from "../core/hlc.ts";
import { changedFields, mergeVersions } from "../core/merge.ts";
import { recordToVersion, type Fields, UnreadableRecordError, type Version } from "../core/record.ts";
import type { PulledRecord } from "../remote/remote.ts";
import type { Stored } from "../store/records.ts";
import type { WriteTx } from "../store/writer.ts";

/** What applying pulled records did. */
export interface Applied {
  /** Records that changed something here. */
  downloaded: number;
  conflicts: number;
}

/** Who applies: named as the editor of merged versions. */
export interface Applier {
  machineId: string;
  now: number;
}

/**
 * Applies one pulled record. Never throws because of what it holds: what cannot be read is set aside as it came.
 *
 * The cases, in order:
 * - already here in this revision or a later one: nothing
 * - our own version, whose acknowledgement was lost: acknowledged
 * - no unsent edits here: theirs replaces ours
 * - unsent edits here: merged field by field; the result is sent as an edit of the pulled revision
 */
export function applyRecord(tx: WriteTx, record: PulledRecord, applier: Applier): Applied {
  const schema = tx.records.schemaOf(record.kind);
  if (schema === null || record.schema > schema) {
    const reason =
      schema === null
        ? `kind '${record.kind}' is not known here`
        : `schema ${record.schema} is newer than ${schema}`;
    tx.setAside.put(record, record.rev, reason, applier.now);
    return { downloaded: 0, conflicts: 0 };
  }
  tx.clock.observe(record.hlc);
  const stored = tx.records.get(record.kind, record.id);
  if (stored?.rev != null && stored.rev >= record.rev) return { downloaded: 0, conflicts: 0 };
  if (!record.visible) return withdraw(tx, record, stored, applier);

  try {
    const version = recordToVersion(record);
    const applied =
      stored === null || isClean(stored)
        ? replace(tx, version, record.rev)
        : stored.version.hlc === version.hlc
          ? acknowledge(tx, stored, record.rev)
          : merge(tx, stored, version, record.rev, applier);
    tx.setAside.remove(record.id);
    return applied;
  } catch (error) {
    if (!(error instanceof UnreadableRecordError)) throw error;
    tx.setAside.put(record, record.rev, error.message, applier.now);
    return { downloaded: 0, conflicts: 0 };
  }
}

/** Records that an earlier version could not read: those that this one can are applied now. */
export function replaySetAside(tx: WriteTx, applier: Applier): void {
  for (const { record, rev } of tx.setAside.all())
    applyRecord(tx, { ...record, rev, visible: true }, applier);
}

function isClean(stored: Stored): boolean {
  return stored.rev !== null && stored.base === null;
}

function replace(tx: WriteTx, version: Version, rev: number): Applied {
  tx.records.put({ version, rev, base: null });
  return { downloaded: 1, conflicts: 0 };
}

function acknowledge(tx: WriteTx, { version }: Stored, rev: number): Applied {
  tx.records.acknowledge(version.kind, version.id, version.hlc, rev);
  tx.outbox.remove(version.id);
  return { downloaded: 0, conflicts: 0 };
}

function merge(tx: WriteTx, stored: Stored, remote: Version, rev: number, applier: Applier): Applied {
  const local = stored.version;
  const merged = mergeVersions(mergeBase(stored, remote, tx.clock.last()), local, remote);
  for (const conflict of merged.conflicts) {
    const record = conflictVersion(conflict, local, remote, tx.clock.tick(), applier.now);
    if (tx.records.get(record.kind, record.id) !== null) continue;
    tx.records.put({ version: record, rev: null, base: null });
    tx.outbox.add({ kind: record.kind, id: record.id }, applier.now);
  }
  if (!merged.ahead) {
    tx.records.put({ version: remote, rev, base: null });
    tx.outbox.remove(remote.id);
  } else {
    const version: Version = {
      ...remote,
      lastEditor: applier.machineId,
      hlc: tx.clock.tick(),
      clocks: merged.clocks,
      fields: merged.fields,
    };
    tx.records.put({ version, rev, base: changedFields(remote.fields, merged.fields) });
    // It may have been parked: now there is something new to send it on top of.
    tx.outbox.add({ kind: version.kind, id: version.id }, applier.now);
  }
  return { downloaded: 1, conflicts: merged.conflicts.length };
}

/**
 * The fields that both sides started from. A version that this machine stamped itself is an ancestor of what it has
 * now: its acknowledgement was lost, and more was edited since.
 */
function mergeBase(stored: Stored, remote: Version, ourClock: string): Fields | null {
  if (hlcToNode(remote.hlc) === hlcToNode(ourClock)) return remote.fields;
  return stored.base === null ? null : { ...stored.version.fields, ...stored.base };
}

/**
 * A record that this machine may no longer see leaves its cache. Unsent edits of it are kept as conflict records that
 * only this machine sees.
 */
function withdraw(tx: WriteTx, record: PulledRecord, stored: Stored | null, applier: Applier): Applied {
  if (stored === null) return { downloaded: 0, conflicts: 0 };
  const local = stored.version;
  const edited = Object.keys(stored.base ?? {});
  for (const field of edited) {
    const conflict = {
      field,
      base: stored.base?.[field] ?? null,
      local: local.fields[field] ?? null,
      remote: null,
      localClock: local.hlc,
      remoteClock: record.hlc,
      winner: "remote" as const,
    };
    const theirs: Version = { ...local, lastEditor: record.last_editor, hlc: record.hlc };
    const kept = conflictVersion(conflict, local, theirs, tx.clock.tick(), applier.now);
    tx.records.put({
      version: { ...kept, fields: { ...kept.fields, scope: "machine" } },
      rev: null,
      base: null,
    });
    tx.outbox.add({ kind: kept.kind, id: kept.id }, applier.now);
  }
  tx.records.drop(record.kind, record.id);
  tx.outbox.remove(record.id);
  return { downloaded: 1, conflicts: edited.length };
}
