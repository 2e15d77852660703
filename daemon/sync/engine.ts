import type { CycleResult } from "../../client-lib/protocol/sync.ts";
import { type NodeReport, type Remote, RemoteError, type Selection } from "../remote/remote.ts";
import type { Reads } from "../store/store.ts";
import type { Writer } from "../store/writer.ts";
import type { Applied } from "./apply-page.ts";
import { applyPage, pullPosition } from "./pull.ts";
import { applyPushAnswer, type BatchLimits, nextBatch } from "./push.ts";

/**
 * How often one cycle pulls again because a push was refused. Each time the other machine's version was merged, so
 * that more is needed only while someone else keeps writing the same record; the next cycle goes on.
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

  /** Pulls every page above the cursor. */
  async function pull(signal: AbortSignal, report: CycleReport): Promise<void> {
    for (let complete = false; !complete;) {
      const position = pullPosition(read.meta, options.selection);
      const sentAt = options.now();
      report.requests += 1;
      const answer = await remote.pull(
        { ...position, limit: options.page.records, maxBytes: options.page.bytes },
        signal,
      );
      const offset = Math.round(answer.serverTimeMs - (sentAt + options.now()) / 2);
      const applier = { machineId: options.node.machineId, now: options.now() };
      const applied = await write.run((tx): Applied => {
        tx.meta.set("clock_offset_ms", String(offset));
        return applyPage(tx, answer, position, applier);
      });
      options.onClockOffset(offset);
      report.downloaded += applied.downloaded;
      report.conflicts += applied.conflicts;
      report.serverRev = answer.serverRev;
      complete = answer.complete;
    }
  }

  /** Sends the outbox. @returns whether something was refused, so that a pull must follow */
  async function push(signal: AbortSignal, report: CycleReport): Promise<boolean> {
    for (;;) {
      const batch = nextBatch(read, options.batch);
      if (batch.records.length === 0) return false;
      const cursor = Number(read.meta.get("cursor"));
      const node = await nextNodeReport(batch.records.length);
      report.requests += 1;
      const answer = await remote.push(
        { epoch: read.meta.get("epoch") ?? "", cursor, records: batch.records, node },
        signal,
      );
      const { uploaded, refused } = await write.run((tx) => applyPushAnswer(tx, batch, answer, cursor));
      report.uploaded += uploaded;
      report.serverRev = answer.revAfter;
      if (refused > 0) return true;
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
      for (let round = 1; ; round++) {
        await pull(signal, report);
        if (!(await push(signal, report))) break;
        if (round === MAX_ROUNDS) {
          throw new RemoteError(
            "busy",
            "HD_CONTENDED",
            `other machines changed the same records ${MAX_ROUNDS} times during this cycle`,
          );
        }
      }
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
