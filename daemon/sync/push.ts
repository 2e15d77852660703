import { changedFields } from "../core/merge.ts";
import { type SyncRecord, type Version, versionToRecord } from "../core/record.ts";
import type { PushAnswer } from "../remote/remote.ts";
import type { Reads } from "../store/store.ts";
import type { WriteTx } from "../store/writer.ts";

/** What one push carries: the versions as they were when it was built, and the same as records. */
export interface Batch {
  versions: Version[];
  records: SyncRecord[];
}

export interface BatchLimits {
  records: number;
  /** Bytes of bodies after which the batch ends; it carries at least one record. */
  bytes: number;
}

/** The oldest records of the outbox, packed. Empty when there is nothing to send. */
export function nextBatch(read: Pick<Reads, "outbox" | "records">, limits: BatchLimits): Batch {
  const batch: Batch = { versions: [], records: [] };
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
    batch.versions.push(stored.version);
    batch.records.push(record);
    if (packed) break;
  }
  return batch;
}

/**
 * Takes note of what the remote holds now. What it holds in our version is acknowledged; what it holds in another
 * one was not applied, stays in the outbox, and is merged when that other version is pulled.
 */
export function applyPushAnswer(
  tx: WriteTx,
  batch: Batch,
  answer: PushAnswer,
): { uploaded: number; refused: number } {
  const held = new Map(answer.held.map((row) => [row.id, row]));
  let uploaded = 0;
  for (const sent of batch.versions) {
    const theirs = held.get(sent.id);
    if (theirs === undefined || theirs.hlc !== sent.hlc) continue;
    uploaded += 1;
    if (tx.records.acknowledge(sent.kind, sent.id, sent.hlc, theirs.rev)) tx.outbox.remove(sent.id);
    else rebase(tx, sent, theirs.rev);
  }
  return { uploaded, refused: batch.versions.length - uploaded };
}

/** The record was edited again while its earlier version was under way: that one is now what the edits start from. */
function rebase(tx: WriteTx, sent: Version, rev: number): void {
  const now = tx.records.get(sent.kind, sent.id);
  if (now === null) return;
  const base = changedFields(sent.fields, now.version.fields);
  tx.records.put({ version: now.version, rev, base });
  if (base === null) tx.outbox.remove(sent.id);
}
