import type { CycleResult } from "../../client-lib/protocol/sync.ts";
import {
  type NodeReport,
  type PushRequest,
  type Remote,
  RemoteError,
  type Selection,
} from "../remote/remote.ts";
import type { Reads } from "../store/store.ts";
import type { Writer } from "../store/writer.ts";
import { replaySetAside } from "./apply-page.ts";
import { applyPage, pullPosition } from "./pull.ts";
import { applyPushAnswer, type Batch, type BatchLimits, nextBatch, parkStuck } from "./push.ts";

/**
 * How often one cycle sends again what was refused. Each time the other machine's version was merged, so that more is
 * needed only while someone else keeps writing the same record; the next cycle goes on.
 */
const MAX_ROUNDS = 5;

export interface EngineOptions {
  remote: Remote;
  read: Reads;
  write: Writer;
  selection: Selection;
  batch: BatchLimits;
  /** Records in one pulled page, and bytes of their bodies. */
  page: BatchLimits;
  node: Pick<NodeReport, "machineId" | "incarnation" | "hostname" | "version">;
  newId: () => string;
  /** Wall clock, ms since the epoch. */
  now: () => number;
  monotonicMs: () => number;
  /** Told, at each pull, what to add to this machine's clock to get the remote's, in ms. */
  onClockOffset: (offsetMs: number) => void;
}

const NOTHING: Batch = { sent: [], records: [] };

/** A longer round trip says too little about the server's clock. */
const TRUSTED_ROUND_TRIP_MS = 1000;

interface Exchanged {
  /** Everything up to the server's newest revision has come. */
  complete: boolean;
  /** Records that were sent, not applied because another machine was first, and will be sent again. */
  refused: number;
}

/** What a cycle saw and did, filled in as it is done: also a cycle that fails has done something. */
export interface CycleReport extends CycleResult {
  serverRev: number | null;
}

export function emptyReport(): CycleReport {
  return { uploaded: 0, downloaded: 0, conflicts: 0, requests: 0, duration_ms: 0, serverRev: null };
}

/** One machine's side of the protocol. A cycle either completes or throws; nothing it has applied is undone. */
export interface Engine {
  cycle(signal: AbortSignal, report: CycleReport): Promise<void>;
}

export function createEngine(options: EngineOptions): Engine {
  const { remote, read, write } = options;
  let prepared = false;
  let replayed = false;

  async function prepare(signal: AbortSignal): Promise<void> {
    await remote.prepare(signal);
    if (replayed) return;
    // Once in this process's life: what was parked or set aside may fare better with this version.
    await write.run((tx) => {
      tx.outbox.unparkAll();
      replaySetAside(tx, { machineId: options.node.machineId, now: options.now() });
    });
    replayed = true;
  }

  /** One request: what is above the cursor comes, and the batch goes. What came of it is one local transaction. */
  async function exchange(batch: Batch, signal: AbortSignal, report: CycleReport): Promise<Exchanged> {
    const position = pullPosition(read.meta, options.selection);
    const request = { ...position, limit: options.page.records, maxBytes: options.page.bytes };
    const push = batch.records.length === 0 ? null : await toPushRequest(batch);
    const measureOffset = startOffsetMeasure();
    report.requests += 1;
    const answer =
      push === null
        ? { ...(await remote.pull(request, signal)), pushed: null }
        : await remote.exchange(request, push, signal);
    const offset = measureOffset(answer.serverTimeMs);
    if (offset !== null) options.onClockOffset(offset);

    const { pushed } = answer;
    const revAfter = pushed?.revAfter ?? answer.serverRev;
    const applier = { machineId: options.node.machineId, now: options.now() };
    const done = await write.run((tx) => {
      if (offset !== null) tx.meta.set("clock_offset_ms", String(offset));
      const sent =
        pushed === null
          ? { uploaded: 0, refused: [] }
          : applyPushAnswer(tx, batch, pushed, options.selection);
      const applied = applyPage(tx, answer, position, revAfter, applier);
      const parked = pushed !== null && answer.complete ? parkStuck(tx, sent.refused, pushed.held) : 0;
      return { uploaded: sent.uploaded, refused: sent.refused.length - parked, ...applied };
    });
    report.uploaded += done.uploaded;
    report.downloaded += done.downloaded;
    report.conflicts += done.conflicts;
    report.serverRev = revAfter;
    return { complete: answer.complete, refused: done.refused };
  }

  /**
   * How far the server's clock is ahead of ours. Null where the round trip was too long to tell, or where our own
   * clock was set, or the machine slept, meanwhile.
   */
  function startOffsetMeasure(): (serverTimeMs: number) => number | null {
    const [wall, monotonic] = [options.now(), options.monotonicMs()];
    return (serverTimeMs) => {
      const [elapsed, roundTrip] = [options.now() - wall, options.monotonicMs() - monotonic];
      if (roundTrip > TRUSTED_ROUND_TRIP_MS || Math.abs(elapsed - roundTrip) > TRUSTED_ROUND_TRIP_MS)
        return null;
      return Math.round(serverTimeMs - (wall + elapsed / 2));
    };
  }

  async function toPushRequest(batch: Batch): Promise<PushRequest> {
    const node = await nextNodeReport(batch.records.length);
    return { epoch: read.meta.get("epoch") ?? "", records: batch.records, node };
  }

  /** Until everything above the cursor has come and everything in the outbox has gone. */
  async function exchangeAll(signal: AbortSignal, report: CycleReport): Promise<void> {
    let rounds = 0;
    let { records } = options.batch;
    const next = (): Batch => nextBatch(read, { ...options.batch, records });
    // The first contact only pulls: it tells which database this is.
    let batch = read.meta.get("epoch") === null ? NOTHING : next();
    for (;;) {
      try {
        const { complete, refused } = await exchange(batch, signal, report);
        if (refused > 0 && ++rounds === MAX_ROUNDS) throw contended();
        records = options.batch.records;
        // Far behind, it catches up first: sending holds the server's one write lock.
        batch = complete ? next() : NOTHING;
        if (complete && batch.records.length === 0) return;
      } catch (error) {
        if (!isRejected(error) || batch.records.length === 0) throw error;
        // One of them is at fault: by halves it is found, parked, and the others go on.
        if (batch.records.length === 1) await parkRejected(batch, error, signal, report);
        records = Math.max(1, batch.records.length >> 1);
        batch = next();
      }
    }
  }

  async function parkRejected(
    batch: Batch,
    error: RemoteError,
    signal: AbortSignal,
    report: CycleReport,
  ): Promise<void> {
    // Where reading is rejected too, it is not the record's fault.
    await exchange(NOTHING, signal, report);
    await write.run((tx) => {
      for (const { version } of batch.sent) tx.outbox.park(version.id, error.message);
    });
  }

  /** The number is written before the push: it must never be used twice, whatever becomes of the answer. */
  async function nextNodeReport(sending: number): Promise<NodeReport> {
    const pushSeq = await write.run((tx) => {
      const next = Number(tx.meta.get("push_seq") ?? 0) + 1;
      tx.meta.set("push_seq", String(next));
      return next;
    });
    return {
      ...options.node,
      pushSeq,
      pushId: options.newId(),
      queueDepth: read.outbox.depth() - sending,
      now: options.now(),
    };
  }

  return {
    async cycle(signal, report) {
      const started = options.monotonicMs();
      try {
        if (!prepared) await prepare(signal);
        // Until this cycle succeeds nothing is taken for granted: a replaced remote has no tables.
        prepared = false;
        await exchangeAll(signal, report);
        prepared = true;
        const finishedAt = options.now();
        await write.run((tx) => {
          tx.meta.set("last_sync", String(finishedAt));
        });
      } finally {
        report.duration_ms = options.monotonicMs() - started;
      }
    },
  };
}

function contended(): RemoteError {
  return new RemoteError(
    "busy",
    "HD_CONTENDED",
    `other machines changed the same records ${MAX_ROUNDS} times during this cycle`,
  );
}

function isRejected(error: unknown): error is RemoteError {
  return error instanceof RemoteError && error.kind === "rejected";
}
