import { conflictVersion } from "../core/conflict.ts";
import { hlcToMs, hlcToNode } from "../core/hlc.ts";
import type { Machine } from "../core/machine.ts";
import { changedFields, fieldClock, mergeVersions } from "../core/merge.ts";
import { isEmptied, isPurged } from "../core/purge.ts";
import { recordToVersion, type Fields, UnreadableRecordError, type Version } from "../core/record.ts";
import type { PulledRecord } from "../remote/remote.ts";
import type { Stored } from "../store/records.ts";
import type { WriteTx } from "../store/writer.ts";
import type { Changes } from "./changes.ts";
import { eraseUnread, purgeConflicts, purgeIfRecordIs } from "./purge.ts";
import { withdraw } from "./withdraw.ts";

/** Who applies, and how. */
export interface Applier {
  machine: Machine;
  /** Ms since the epoch, by the remote's clock. */
  now: number;
  /** Records are applied because the two sides differ in them, and not because they are news. */
  repairs: boolean;
  /** For a cache that is being filled: a new record's place in the order of arrival is this much above its revision. */
  placeBefore?: number;
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
export function applyRecord(tx: WriteTx, record: PulledRecord, applier: Applier, changes: Changes): void {
  const schema = tx.records.schemaOf(record.kind);
  tx.clock.observe(record.hlc);
  const stored = schema === null ? null : tx.records.get(record.kind, record.id);
  if (stored?.rev != null && stored.rev >= record.rev && !applier.repairs) return;
  if (!record.visible) {
    // A purge that is still to be sent goes first: it is for everyone, whoever may see the record.
    const isPurging = stored !== null && !isClean(stored) && isPurged(stored.version.fields);
    if (stored !== null && !isPurging)
      withdraw(tx, stored, { ...record, why: "withdrawn" }, applier, changes);
    tx.setAside.remove(record.id);
    if (record.purged_at !== null) purgeConflicts(tx, record.id, applier);
    return;
  }
  try {
    if (schema === null) throw new UnreadableRecordError(`kind '${record.kind}' is not known here`);
    if (record.schema > schema)
      throw new UnreadableRecordError(`schema ${record.schema} is newer than ${schema}`);
    const version = recordToVersion(record);
    applyVersion(tx, lostOr(tx, stored, version, record.rev, applier), version, record.rev, applier, changes);
    tx.setAside.remove(record.id);
  } catch (error) {
    if (!(error instanceof UnreadableRecordError)) throw error;
    tx.setAside.put(record, record.rev, error.message, applier.now);
    // That much is readable in any case: what we have of it must go, also an earlier copy that was set aside.
    if (record.purged_at !== null) {
      tx.scrub();
      if (stored !== null) eraseUnread(tx, stored, record, applier);
    }
  }
}

/** Records that an earlier version could not read: those that this one can are applied now. */
export function replaySetAside(tx: WriteTx, applier: Applier, changes: Changes): void {
  for (const { record, rev } of tx.setAside.between(0, Number.MAX_SAFE_INTEGER))
    applyRecord(tx, { ...record, rev, visible: true }, applier, changes);
}

function applyVersion(
  tx: WriteTx,
  stored: Stored | null,
  version: Version,
  rev: number,
  applier: Applier,
  changes: Changes,
): void {
  if (stored === null || isClean(stored)) return replace(tx, stored, version, rev, applier, changes);
  if (stored.version.hlc !== version.hlc) return merge(tx, stored, version, rev, applier, changes);
  if (changedFields(stored.version.fields, version.fields) === null) {
    tx.records.acknowledge(version.kind, version.id, version.hlc, rev);
    tx.outbox.remove(version.id);
    return;
  }
  // Two lives of one machine, a clone's and its original's, gave the same stamp to different versions.
  const ours = { ...stored.version, hlc: tx.clock.tick() };
  merge(tx, { ...stored, version: ours }, version, rev, applier, changes);
}

function isClean(stored: Stored): boolean {
  return stored.rev !== null && stored.base === null;
}

/**
 * Where the remote holds an older revision than we have seen of it, or another version under the same revision, it has
 * lost ours: which is then one that it never had.
 */
function lostOr(
  tx: WriteTx,
  stored: Stored | null,
  theirs: Version,
  rev: number,
  applier: Applier,
): Stored | null {
  if (stored === null || stored.rev === null || stored.rev < rev) return stored;
  const same = stored.rev === rev && (stored.version.hlc === theirs.hlc || stored.base !== null);
  if (same) return stored;
  tx.outbox.add({ kind: stored.version.kind, id: stored.version.id }, applier.now);
  return { version: stored.version, rev: null, base: null };
}

function replace(
  tx: WriteTx,
  stored: Stored | null,
  version: Version,
  rev: number,
  applier: Applier,
  changes: Changes,
): void {
  const { placeBefore } = applier;
  const isPlaced = placeBefore !== undefined && version.kind === "history";
  tx.records.put({ version, rev, base: null }, isPlaced ? placeBefore + rev : undefined);
  tx.outbox.remove(version.id);
  noteChange(tx, stored, version, applier, changes);
}

function merge(
  tx: WriteTx,
  stored: Stored,
  remote: Version,
  rev: number,
  applier: Applier,
  changes: Changes,
): void {
  const local = stored.version;
  const merged = isRestoredOver(local, remote)
    ? { fields: local.fields, clocks: local.clocks, conflicts: [], ahead: true }
    : mergeVersions(mergeBase(tx, stored, remote, rev), local, remote);
  // Two decisions about one conflict are no conflict: the later one counts.
  for (const conflict of local.kind === "conflict" ? [] : merged.conflicts) {
    const record = conflictVersion(conflict, local, remote, tx.clock.tick(), applier.now);
    if (tx.records.get(record.kind, record.id) !== null) continue;
    tx.records.put({ version: record, rev: null, base: null });
    tx.outbox.add({ kind: record.kind, id: record.id }, applier.now);
    changes.conflicts.push({ id: record.id, recordId: local.id, field: conflict.field });
  }
  const before = changedFields(local.fields, remote.fields);
  if (!merged.ahead) {
    tx.records.put({ version: remote, rev, base: null });
    tx.outbox.remove(remote.id);
    noteChange(tx, stored, remote, applier, changes);
    return;
  }
  const version: Version = {
    ...remote,
    lastEditor: applier.machine.id,
    hlc: tx.clock.tick(),
    clocks: merged.clocks,
    fields: merged.fields,
  };
  tx.records.put({ version, rev, base: changedFields(remote.fields, merged.fields) });
  // It may have been parked: now there is something new to send it on top of.
  tx.outbox.add({ kind: version.kind, id: version.id }, applier.now);
  noteChange(tx, stored, { ...version, lastEditor: remote.lastEditor }, applier, changes);
  noteDeleteMeetsEdit(tx, before, version, remote, applier);
}

/**
 * The fields that both sides started from. A version that this machine stamped itself is an ancestor of what it has
 * now: its acknowledgement was lost, and more was edited since. So is a version from before the point that a restored
 * remote went back to, of a record that we have a later version of.
 */
function mergeBase(tx: WriteTx, stored: Stored, remote: Version, rev: number): Fields | null {
  if (hlcToNode(remote.hlc) === hlcToNode(tx.clock.last())) return remote.fields;
  if (stored.base !== null) return { ...stored.version.fields, ...stored.base };
  return stored.rev === null && rev <= tx.meta.number("rewound_to") ? remote.fields : null;
}

/** Undone here in time, while the remote took the content from what it still held for deleted. */
function isRestoredOver(local: Version, remote: Version): boolean {
  if (!isEmptied(remote.fields) || local.fields.deleted_at != null) return false;
  return fieldClock(local, "deleted_at") > fieldClock(remote, "deleted_at");
}

/** Counts it, and writes down who changed what where a record that was here is another now. */
function noteChange(
  tx: WriteTx,
  stored: Stored | null,
  version: Version,
  applier: Applier,
  changes: Changes,
): void {
  changes.downloaded += 1;
  if (version.kind === "history") changes.entries.push(version.id);
  const wasPurged = stored !== null && isPurged(stored.version.fields);
  if (isPurged(version.fields) && !wasPurged) purgeConflicts(tx, version.id, applier);
  if (version.kind === "conflict") purgeIfRecordIs(tx, version, applier);
  const changed = stored === null ? null : changedFields(stored.version.fields, version.fields);
  if (changed === null) return;
  tx.audit.add({
    at: Math.min(hlcToMs(version.hlc), applier.now),
    machineId: version.lastEditor,
    user: null,
    ...describeChange(changed, version),
  });
}

type AuditEvent = Parameters<WriteTx["audit"]["add"]>[0];
type Described = Pick<AuditEvent, "action" | "recordKind" | "recordId" | "details"> & { user?: string };

/** A conflict that was settled elsewhere is written down as if it had been here: of the record that it is about. */
function describeChange(changed: Fields, { kind, id, lastEditor, fields }: Version): Described {
  const { record_kind: ofKind, record_id: of, resolution: choice, resolved_by: by, field } = fields;
  if (kind === "conflict" && "resolved_at" in changed && choice != null && !isPurged(fields)) {
    return {
      action: "resolve",
      recordKind: ofKind as string,
      recordId: of as string,
      details: { conflict: id, field: field as string, choice },
      ...(typeof by === "string" && by !== lastEditor ? { user: by } : {}),
    };
  }
  return {
    action: actionOf(changed, fields),
    recordKind: kind,
    recordId: id,
    details: { fields: Object.keys(changed).toSorted() },
  };
}

function actionOf(changed: Fields, now: Fields): string {
  if ("purged_at" in changed) return "purge";
  if ("deleted_at" in changed) return now.deleted_at == null ? "restore" : "delete";
  return "edit";
}

/** A delete and an edit are different fields: both happen, and it is written down. */
function noteDeleteMeetsEdit(
  tx: WriteTx,
  differing: Fields | null,
  merged: Version,
  remote: Version,
  { machine, now }: Applier,
): void {
  if (differing === null || merged.fields.deleted_at == null || Object.keys(differing).length < 2) return;
  if (!("deleted_at" in differing)) return;
  tx.audit.add({
    at: now,
    action: "delete_meets_edit",
    recordKind: merged.kind,
    recordId: merged.id,
    machineId: machine.id,
    user: null,
    details: { fields: Object.keys(differing).toSorted(), other_machine: remote.lastEditor },
  });
}
