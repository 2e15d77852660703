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
import { applyPage, pullPosition } from "./pull.ts";
import { applyPushAnswer, type Batch, type BatchLimits, nextBatch } from "./push.ts";

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

const NOTHING: Batch = { versions: [], records: [] };

interface Exchanged {
  /** Everything up to the server's newest revision has come. */
  complete: boolean;
  /** Records that were sent and not applied, because another machine was first. */
  refused: number;
}

/** What a cycle saw and did. */
export interface CycleReport extends CycleResult {
  serverRev: number;
}

/** One machine's side of the protocol. A cycle either completes or throws; nothing it has applied is undone. */
export interface Engine {
  cycle(signal: AbortSignal): Promise<CycleReport>;
}

export function createEngine(options: EngineOptions): Engine {
  const { remote, read, write } = options;
  let prepared = false;

  /** One request: what is above the cursor comes, and the batch goes. What came of it is one local transaction. */
  async function exchange(batch: Batch, signal: AbortSignal, report: CycleReport): Promise<Exchanged> {
    const position = pullPosition(read.meta, options.selection);
    const request = { ...position, limit: options.page.records, maxBytes: options.page.bytes };
    const push = batch.records.length === 0 ? null : await toPushRequest(batch);
    const sentAt = options.now();
    report.requests += 1;
    const answer =
      push === null
        ? { ...(await remote.pull(request, signal)), pushed: null }
        : await remote.exchange(request, push, signal);
    const offset = Math.round(answer.serverTimeMs - (sentAt + options.now()) / 2);
    options.onClockOffset(offset);

    const { pushed } = answer;
    const revAfter = pushed?.revAfter ?? answer.serverRev;
    const applier = { machineId: options.node.machineId, now: options.now() };
    const { uploaded, refused, downloaded, conflicts } = await write.run((tx) => {
      tx.meta.set("clock_offset_ms", String(offset));
      const sent = pushed === null ? { uploaded: 0, refused: 0 } : applyPushAnswer(tx, batch, pushed);
      return { ...sent, ...applyPage(tx, answer, position, revAfter, applier) };
    });
    report.uploaded += uploaded;
    report.downloaded += downloaded;
    report.conflicts += conflicts;
    report.serverRev = revAfter;
    return { complete: answer.complete, refused };
  }

  async function toPushRequest(batch: Batch): Promise<PushRequest> {
    const node = await nextNodeReport(batch.records.length);
    return { epoch: read.meta.get("epoch") ?? "", records: batch.records, node };
  }

  /** Until everything above the cursor has come and everything in the outbox has gone. */
  async function exchangeAll(signal: AbortSignal, report: CycleReport): Promise<void> {
    let rounds = 0;
    // The first contact only pulls: it tells which database this is.
    let batch = read.meta.get("epoch") === null ? NOTHING : nextBatch(read, options.batch);
    for (;;) {
      const { complete, refused } = await exchange(batch, signal, report);
      if (refused > 0 && ++rounds === MAX_ROUNDS) {
        throw new RemoteError(
          "busy",
          "HD_CONTENDED",
          `other machines changed the same records ${MAX_ROUNDS} times during this cycle`,
        );
      }
      // Far behind, it catches up first: sending holds the server's one write lock.
      batch = complete ? nextBatch(read, options.batch) : NOTHING;
      if (complete && batch.records.length === 0) return;
    }
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
    async cycle(signal) {
      const started = options.monotonicMs();
      const report: CycleReport = {
        uploaded: 0,
        downloaded: 0,
        conflicts: 0,
        requests: 0,
        duration_ms: 0,
        serverRev: 0,
      };
      if (!prepared) await remote.prepare(signal);
      // Until this cycle succeeds nothing is taken for granted: a replaced remote has no tables.
      prepared = false;
      await exchangeAll(signal, report);
      prepared = true;
      const finishedAt = options.now();
      await write.run((tx) => {
        tx.meta.set("last_sync", String(finishedAt));
      });
      report.duration_ms = options.monotonicMs() - started;
      return report;
    },
  };
}
