import { changedFields } from "../core/merge.ts";
import { type SyncRecord, type Version, versionToRecord } from "../core/record.ts";
import type { PushAnswer } from "../remote/remote.ts";
import type { Selection } from "../core/selection.ts";
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
  for (const [place, stored] of batch.sent.entries()) {
    const sent = stored.version;
    const theirs = held.get(sent.id);
    // The digest as well: a clone can have given the same stamp to something else.
    if (theirs === undefined || theirs.hlc !== sent.hlc || theirs.digest !== batch.records[place]?.digest) {
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
function isInSight({ machineId, fields }: Version, { machineId: own, user, scopes }: Selection): boolean {
  if (machineId === own) return true;
  if (scopes !== null && !scopes.includes(fields.scope as string)) return false;
  return fields.scope === "global" || (fields.scope === "user" && user !== null && fields.user === user);
}

/** The record was edited again while its earlier version was under way: that one is now what the edits start from. */
function rebase(tx: WriteTx, sent: Version, rev: number): void {
  const now = tx.records.get(sent.kind, sent.id);
  if (now === null) return;
  const base = changedFields(sent.fields, now.version.fields);
  // Edited back to what was sent: then that is what both sides have.
  tx.records.put({ version: base === null ? sent : now.version, rev, base });
  if (base === null) tx.outbox.remove(sent.id);
}
