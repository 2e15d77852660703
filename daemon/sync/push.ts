import { changedFields } from "../core/merge.ts";
import { type SyncRecord, type Version, versionToRecord } from "../core/record.ts";
import type { PushAnswer, Selection } from "../remote/remote.ts";
import type { Stored } from "../store/records.ts";
import type { Reads } from "../store/store.ts";
import type { WriteTx } from "../store/writer.ts";

/** What one push carries: the cache's records as they were when it was built, and the same as they travel. */
export interface Batch {
  sent: Stored[];
  records: SyncRecord[];
}

export interface BatchLimits {
  records: number;
  /** Bytes of bodies after which the batch ends; it carries at least one record. */
  bytes: number;
}

/** The oldest records of the outbox, packed. Empty when there is nothing to send. */
export function nextBatch(read: Pick<Reads, "outbox" | "records">, limits: BatchLimits): Batch {
  const batch: Batch = { sent: [], records: [] };
  let bytes = 0;
  for (const { kind, id } of read.outbox.first(limits.records)) {
    const stored = read.records.get(kind, id);
    const schema = read.records.schemaOf(kind);
    if (stored === null || schema === null) continue;
    const record = versionToRecord(stored.version, schema, stored.rev);
    const packed = record.body instanceof Uint8Array;
    bytes += typeof record.body === "string" ? Buffer.byteLength(record.body) : (record.body?.length ?? 0);
    // A packed body travels beside the others rather than among them, and so alone.
    if (batch.records.length > 0 && (packed || bytes > limits.bytes)) break;
    batch.sent.push(stored);
    batch.records.push(record);
    if (packed) break;
  }
  return batch;
}

/**
 * Takes note of what the remote holds now. What it holds in our version is acknowledged; what it holds in another
 * one was not applied, stays in the outbox, and is merged when that other version is pulled.
 * @returns the records that were not applied
 */
export function applyPushAnswer(
  tx: WriteTx,
  batch: Batch,
  answer: PushAnswer,
  selection: Selection,
): { uploaded: number; refused: Stored[] } {
  const held = new Map(answer.held.map((row) => [row.id, row]));
  const refused: Stored[] = [];
  for (const stored of batch.sent) {
    const sent = stored.version;
    const theirs = held.get(sent.id);
    if (theirs === undefined || theirs.hlc !== sent.hlc) {
      refused.push(stored);
      continue;
    }
    if (!tx.records.acknowledge(sent.kind, sent.id, sent.hlc, theirs.rev)) {
      rebase(tx, sent, theirs.rev);
      continue;
    }
    tx.outbox.remove(sent.id);
    // An edit can take a record out of the sight of the very machine that made it.
    if (!isInSight(sent, selection)) tx.records.drop(sent.kind, sent.id);
  }
  return { uploaded: batch.sent.length - refused.length, refused };
}

/** Whether this machine may have the record; what the remote's page selects by, said once more. */
function isInSight({ machineId, fields }: Version, selection: Selection): boolean {
  if (fields.scope === "global" || machineId === selection.machineId) return true;
  return fields.scope === "user" && selection.user !== null && fields.user === selection.user;
}

/**
 * Parks what was refused although everything that this machine may see has come: the remote holds a version that
 * cannot be pulled or read here, or has collected the record. Sending it again would be refused again, for ever.
 * @returns how many
 */
export function parkStuck(tx: WriteTx, refused: readonly Stored[], held: PushAnswer["held"]): number {
  let parked = 0;
  const known = new Set(held.map(({ id }) => id));
  for (const { version, rev } of refused) {
    const now = tx.records.get(version.kind, version.id);
    if (now === null || now.rev !== rev) continue;
    const reason = known.has(version.id)
      ? "the remote holds a version of it that this machine cannot read or may not see"
      : "the remote no longer has it";
    tx.outbox.park(version.id, reason);
    parked += 1;
  }
  return parked;
}

/** The record was edited again while its earlier version was under way: that one is now what the edits start from. */
function rebase(tx: WriteTx, sent: Version, rev: number): void {
  const now = tx.records.get(sent.kind, sent.id);
  if (now === null) return;
  const base = changedFields(sent.fields, now.version.fields);
  tx.records.put({ version: now.version, rev, base });
  if (base === null) tx.outbox.remove(sent.id);
}
