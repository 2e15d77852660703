import type { Reconciliation } from "../../client-lib/protocol/reconcile.ts";
import type { Log } from "../core/log.ts";
import { type SyncFailedError, toSyncFailure } from "./failure.ts";
import { createReconcileSchedule } from "./reconcile-schedule.ts";
import type { Engine } from "./engine.ts";
import type { ReconcileOptions } from "./reconcile.ts";
import type { SyncReads } from "./sync-reads.ts";

interface Asked extends ReconcileOptions {
  resolve: (reconciliation: Reconciliation) => void;
  reject: (error: Error) => void;
}

/** Comparisons of the two sides: those that were asked for, and the daily one. The loop runs them between cycles. */
export interface Comparisons {
  /** Queues one. @throws SyncFailedError */
  ask(options: ReconcileOptions): Promise<Reconciliation>;
  anyAsked(): boolean;
  /** Takes what was asked for until now, for the cycle that begins. */
  take(): Asked[];
  /** Runs what was taken. Never rejects: each failure goes to who asked. */
  run(asked: Asked[], signal: AbortSignal): Promise<void>;
  /** Runs the daily one where it is due. That it fails is logged, and no failure of sync: cycles go on. */
  runDue(signal: AbortSignal): Promise<void>;
}

export function createComparisons(options: {
  engine: Pick<Engine, "reconcile">;
  read: Pick<SyncReads, "reconciliations">;
  log: Log;
  random: () => number;
  now: () => number;
  onChange: () => void;
}): Comparisons {
  const { engine, log } = options;
  const schedule = createReconcileSchedule(options);
  let queue: Asked[] = [];
  let logged: Reconciliation["outcome"] | null = null;

  async function reconcile(
    reason: string,
    { content, repair }: ReconcileOptions,
    signal: AbortSignal,
  ): Promise<Reconciliation> {
    try {
      const done = await engine.reconcile({ reason, content, repair }, signal);
      tell(done);
      return done;
    } catch (thrown) {
      const error = toSyncFailure(thrown);
      if (!signal.aborted) tellFailure(error);
      throw error;
    } finally {
      options.onChange();
    }
  }

  /** One line a change, but for what was mended, which is news each time. */
  function tell(done: Reconciliation): void {
    const { outcome, reason, compared, missing_here, missing_there, differing, mended, error } = done;
    const fields = { reason, compared, missing_here, missing_there, differing, mended };
    if (outcome === "mended")
      log.warn(fields, "this machine and the remote differed, and what differed was mended");
    else if (outcome === logged || (outcome === "equal" && logged !== "differs"))
      log.debug(fields, `compared with the remote: ${outcome}`);
    else if (outcome === "equal") log.info(fields, "this machine and the remote hold the same again");
    else if (outcome === "differs") log.error(fields, `this machine and the remote differ; ${HOW_TO_MEND}`);
    else log.warn(fields, `the comparison with the remote failed: ${error ?? "it says not why"}`);
    logged = outcome;
  }

  function tellFailure(error: SyncFailedError): void {
    const fields = { code: error.code };
    const message = `the comparison with the remote failed: ${error.message}`;
    if (logged === "failed") log.debug(fields, message);
    else log.warn(error.kind === "internal" ? { ...fields, err: error.cause } : fields, message);
    logged = "failed";
  }

  return {
    ask: (wanted) =>
      new Promise((resolve, reject) => {
        queue.push({ ...wanted, resolve, reject });
      }),
    anyAsked: () => queue.length > 0,
    take() {
      const taken = queue;
      queue = [];
      return taken;
    },
    async run(asked, signal) {
      for (const { resolve, reject, ...wanted } of asked) {
        await reconcile("asked", wanted, signal).then(resolve, reject);
      }
    },
    async runDue(signal) {
      if (signal.aborted || !schedule.isDue()) return;
      schedule.tried();
      await reconcile("daily", { content: false, repair: true }, signal).catch(() => undefined);
    },
  };
}

export const HOW_TO_MEND = "'historyctl sync reconcile' mends what can be mended";
