import type { Machine } from "../core/machine.ts";
import type { Selection } from "../core/selection.ts";
import type { PullAnswer, PullRequest, PushAnswer, PushRequest } from "../remote/remote.ts";
import type { Stored } from "../store/records.ts";
import type { WriteTx } from "../store/writer.ts";
import { applyRecord } from "./apply-record.ts";
import { type Changes, noChanges } from "./changes.ts";
import { correctClock } from "./clock.ts";
import { applyPushAnswer, type Batch } from "./push.ts";

/** An answer of the remote, and what was asked. */
export interface Answered {
  request: PullRequest;
  answer: PullAnswer;
  /** How far the server's clock is ahead of this machine's, ms; null: not measured. */
  offset: number | null;
  push: { batch: Batch; request: PushRequest; answer: PushAnswer } | null;
}

/** For whom an answer is applied. */
export interface Receiver {
  machine: Machine;
  selection: Selection;
  /** See `pullPosition`. */
  selectionKey: string;
  /** Ms since the epoch, by the remote's clock. */
  now: number;
  /** Whether any record here has a revision: then a delete may have been missed. */
  hasRevisions: boolean;
}

/** What became of an answer. */
export interface Settled {
  changes: Changes;
  uploaded: number;
  /** Records that were sent and not applied, and that nothing which came explains. */
  stuck: Stored[];
  /** Records that were sent and not applied, and will be sent again. */
  refused: number;
}

/** Takes in an answer, all of it in one transaction: after a crash the same is pulled again, and recognised. */
export function settle(tx: WriteTx, answered: Answered, receiver: Receiver): Settled {
  const { answer, push } = answered;
  const { machine, now } = receiver;
  const sent =
    push === null
      ? { uploaded: 0, refused: [] }
      : applyPushAnswer(tx, push.batch, push.answer, receiver.selection);
  if (push !== null) notePush(tx, push.request, now);
  // Only after that: what was sent has left, and keeps its stamps.
  correctClock(tx, machine.id, answer.serverTimeMs, answered.offset);

  const changes = noChanges();
  const applier = { machine, now, repairs: false };
  for (const record of answer.records) applyRecord(tx, record, applier, changes);
  movePosition(tx, answered, receiver);

  followCollection(tx, answer);

  const mark = push?.answer.markAfter ?? answer.newestMark;
  if (mark !== null) tx.marks.add(mark, false);
  if (answer.keptMark !== null) tx.marks.add(answer.keptMark, true);
  const stuck = answer.complete ? sent.refused.filter((stored) => isUnchanged(tx, stored)) : [];
  return { changes, uploaded: sent.uploaded, stuck, refused: sent.refused.length - stuck.length };
}

function isUnchanged(tx: WriteTx, { version, rev }: Stored): boolean {
  const now = tx.records.get(version.kind, version.id);
  return now !== null && now.rev === rev;
}

/** The push arrived: from now on the remote's last push of this machine is this one. */
function notePush(tx: WriteTx, { node }: PushRequest, now: number): void {
  tx.meta.set("pushed_seq", node.pushSeq);
  tx.meta.set("push_ids", JSON.stringify([node.pushId]));
  tx.meta.set("last_push", now);
  if (tx.meta.get("claimed") === "sent") tx.meta.set("claimed", "arrived");
}

/** Where the next pull starts. */
export interface PullPosition {
  cursor: number;
  /** The cache is to be filled from the newest revision backwards: there is no position yet, or not for this selection. */
  starts: boolean;
}

/**
 * A cursor holds for what was selected when it was made. Where the selection differs now (another user was
 * configured), the cache is filled anew; what is here already is recognised by its revision.
 * @param key of the selection, by `selectionKey`
 */
export function pullPosition(
  meta: { get(key: "cursor" | "selection"): string | null },
  key: string,
): PullPosition {
  const cursor = meta.get("cursor");
  const starts = cursor === null || meta.get("selection") !== key;
  // Above every revision: nothing comes but the facts.
  return { cursor: starts ? Number.MAX_SAFE_INTEGER : Number(cursor), starts };
}

function movePosition(tx: WriteTx, { request, answer, push }: Answered, receiver: Receiver): void {
  tx.meta.set("epoch", answer.epoch);
  if (pullPosition(tx.meta, receiver.selectionKey).starts) {
    const had = tx.meta.get("cursor");
    if (had !== null && receiver.hasRevisions) tx.records.dropUnselected(receiver.selection);
    noteFloor(tx, had === null ? answer.gcFloor : Number(had), answer, receiver);
    tx.meta.set("selection", receiver.selectionKey);
    tx.meta.set("cursor", answer.serverRev);
    tx.meta.set("fill_from", answer.serverRev);
    tx.meta.set("fill_below", answer.serverRev + 1);
    tx.meta.set("fill_place", tx.records.reservePlaces(answer.serverRev));
    return;
  }
  noteFloor(tx, request.cursor, answer, receiver);
  const last = answer.records.at(-1)?.rev ?? request.cursor;
  tx.meta.set("cursor", answer.complete ? (push?.answer.revAfter ?? answer.serverRev) : last);
}

/** Below the floor records were removed without a trace: what is here and not there must be found by comparing. */
function noteFloor(tx: WriteTx, cursor: number, { gcFloor }: PullAnswer, { hasRevisions }: Receiver): void {
  if (cursor < gcFloor && hasRevisions) tx.meta.set("doubt", "away_too_long");
}

/** What the remote has collected goes here as well. */
function followCollection(tx: WriteTx, { collectedBefore, gcFloor }: PullAnswer): void {
  if (collectedBefore === tx.meta.number("collected_before")) return;
  tx.records.dropCollected(collectedBefore, gcFloor);
  tx.meta.set("collected_before", collectedBefore);
}

/** A page of a cache that is being filled backwards, and how far it has come. */
export function settleFill(tx: WriteTx, answer: PullAnswer, receiver: Receiver): Changes {
  const changes = noChanges();
  // What is older takes an earlier place, although it arrives later.
  const placeBefore = tx.meta.number("fill_place");
  const applier = { machine: receiver.machine, now: receiver.now, repairs: false, placeBefore };
  // In the order of their places: tables and indexes grow at one end.
  for (const record of answer.records.toReversed()) applyRecord(tx, record, applier, changes);
  const below = belowPage(answer);
  if (below === null) tx.meta.set("fill_from", null);
  tx.meta.set("fill_below", below);
  return changes;
}

/** Where the page after this one, of a cache that is being filled, ends; null: this is the last one. */
export function belowPage({ complete, records }: PullAnswer): number | null {
  return complete ? null : (records.at(-1)?.rev ?? null);
}
