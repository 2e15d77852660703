import type { Reconciliation } from "../../client-lib/protocol/reconcile.ts";
import { summarize } from "../core/revisions.ts";
import type { RemoteFacts } from "../remote/remote.ts";
import { type Compared, type ComparisonNeeds, createComparison } from "./compare.ts";
import type { CycleReport, EngineOptions } from "./engine.ts";
import { fetchAndApply } from "./stuck.ts";

export interface ReconcileOptions {
  /** Compare contents too, by their digests: reads every record on both sides. */
  content: boolean;
  /** Mend what differs; without it nothing is changed. */
  repair: boolean;
}

export interface ReconcileRequest extends ReconcileOptions {
  /** Why, in a word. */
  reason: string;
  /** Up to this revision both sides are known to be the same; 0 by default. */
  after?: number;
}

export type Reconcile = (
  request: ReconcileRequest,
  signal: AbortSignal,
  report: CycleReport,
) => Promise<Reconciliation>;

/** Compares what both sides hold, mends what differs by fetching those records alone, and logs what came of it. */
export function createReconcile(options: EngineOptions & ComparisonNeeds): Reconcile {
  const { write, contact, exchangeAll } = options;
  const compare = createComparison(options);

  return async (request, signal, report) => {
    const startedAt = contact.now();
    const startedMs = options.monotonicMs();
    const requestsBefore = report.requests;
    const log = async (
      rest: Pick<Reconciliation, "outcome" | "mended" | "error">,
      found: Compared | null,
    ) => {
      const done: Reconciliation = {
        started_at: startedAt,
        reason: request.reason,
        content: request.content,
        repair: request.repair,
        local: summarize(found?.ours ?? []),
        remote: summarize(found?.theirs ?? []),
        compared: found?.theirs.reduce((sum, { count }) => sum + count, 0) ?? 0,
        missing_here: found?.missingHere.size ?? 0,
        missing_there: found?.missingThere.size ?? 0,
        differing: found?.differing.size ?? 0,
        requests: report.requests - requestsBefore,
        duration_ms: options.monotonicMs() - startedMs,
        ...rest,
      };
      await write.run((tx) => {
        tx.reconciliations.add(done);
      });
      options.onEvent({ type: "reconciled", outcome: done.outcome });
      return done;
    };

    let found: Compared | null = null;
    try {
      found = await compare(request, signal, report);
      const ids = [...new Set([...found.missingHere, ...found.missingThere, ...found.differing])];
      if (ids.length === 0) return await log({ outcome: "equal", mended: 0, error: null }, found);
      if (!request.repair) return await log({ outcome: "differs", mended: 0, error: null }, found);
      options.log.warn(
        { reason: request.reason, records: ids.length },
        "this machine and the remote differ: mending what differs",
      );
      // Where the history is in doubt, what is missing there was lost rather than collected.
      const floor = (facts: RemoteFacts): number =>
        request.reason === "history_unknown" ? 0 : facts.gcFloor;
      await fetchAndApply(options, ids, signal, report, floor);
      // What is sent again by this is part of mending; only a second look proves that it is done.
      await exchangeAll(signal, report);
      const left = await compare(request, signal, report);
      const open = left.missingHere.size + left.missingThere.size + left.differing.size;
      const mended = ids.length - open;
      return await log({ outcome: open === 0 ? "mended" : "differs", mended, error: null }, found);
    } catch (error) {
      await log({ outcome: "failed", mended: 0, error: (error as Error).message }, found);
      throw error;
    }
  };
}
