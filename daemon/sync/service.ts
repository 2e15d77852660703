import pRetry from "p-retry";
import type { Reconciliation } from "../../client-lib/protocol/reconcile.ts";
import type { SyncStatus } from "../../client-lib/protocol/sync.ts";
import type { Log } from "../core/log.ts";
import type { Timers } from "../core/timers.ts";
import { type Alarm, createAlarm } from "./alarm.ts";
import { createComparisons } from "./comparisons.ts";
import { type CycleReport, emptyReport, type Engine } from "./engine.ts";
import { SyncFailedError, toSyncFailure } from "./failure.ts";
import { createQueueWatch } from "./queue-watch.ts";
import { backoffMs, jitteredMs } from "./retry-policy.ts";
import { createStanding, type Totals } from "./standing.ts";
import type { ReconcileOptions } from "./reconcile.ts";
import type { SyncReads } from "./sync-reads.ts";
import { toSyncStatus } from "./sync-status.ts";

export interface SyncServiceOptions {
  engine: Engine;
  read: SyncReads;
  log: Log;
  timers: Timers;
  /** In [0, 1). */
  random: () => number;
  now: () => number;
  /** Address of the remote for people, without credentials. */
  remote: string;
  intervalMs: number;
  quickRetries: number;
  /** False: a cycle runs only when it is asked for. */
  automatic: boolean;
  /** Called whenever what `status` says may have changed. */
  onChange: () => void;
}

/** The loop that keeps this machine synchronised. */
export interface SyncService {
  start(): void;
  /** Ends the loop; a cycle that is under way is cut off, which loses nothing. */
  stop(): Promise<void>;
  /** Runs a cycle that begins after this call; of a first sync, one slice. @throws SyncFailedError */
  syncNow(): Promise<CycleReport>;
  /** Compares both sides, after a cycle that begins after this call. @throws SyncFailedError */
  reconcile(options: ReconcileOptions): Promise<Reconciliation>;
  /** The last comparisons, newest first. */
  reconciliations(limit: number): Reconciliation[];
  /** Something was written here: a cycle follows soon. */
  notice(): void;
  /** The network changed: a retry that waits does not wait longer. */
  networkChanged(): void;
  status(): SyncStatus;
  /** Since the start. */
  totals(): Totals;
}

type WakeReason = "asked" | "written" | "network";

/** The first cycle comes at a random moment of this span, so that a fleet that boots together does not call together. */
const START_SPREAD_MS = 2000;

/** How long a write waits for company before it is sent. */
const WRITE_DEBOUNCE_MS = 300;

/** Until it is woken: the longest that Node's timers take. */
const FOR_EVER_MS = 2 ** 31 - 1;

const NOTHING_FILLED = { below: Number.POSITIVE_INFINITY, cursor: 0 };

interface Asked {
  resolve: (report: CycleReport) => void;
  reject: (error: Error) => void;
}

export function createSyncService(options: SyncServiceOptions): SyncService {
  const { engine, read, log, random, now, automatic } = options;
  const alarm: Alarm<WakeReason> = createAlarm(options.timers);
  const standing = createStanding(options);
  const queueWatch = createQueueWatch(options);
  const comparisons = createComparisons(options);
  const stopping = new AbortController();
  const { signal } = stopping;

  let loop: Promise<void> | null = null;
  let asked: Asked[] = [];
  let written = false;
  /** The last cycle was a slice of a first sync that has more to fill. */
  let fills = false;
  let filled = NOTHING_FILLED;

  async function run(): Promise<void> {
    await idle(automatic ? Math.round(random() * Math.min(START_SPREAD_MS, options.intervalMs)) : null);
    while (!signal.aborted) {
      await pRetry(attempt, {
        retries: Number.POSITIVE_INFINITY,
        // The waiting is ours: it can be cut short, and its clock is given.
        minTimeout: 0,
        signal,
        onFailedAttempt: ({ error }) => waitBeforeRetry(toSyncFailure(error)),
      });
      if (!fills) await idle(automatic ? jitteredMs(options.intervalMs, random()) : null);
    }
  }

  function isAsked(): boolean {
    return asked.length > 0 || comparisons.anyAsked();
  }

  /** @param ms null: until asked */
  async function idle(ms: number | null): Promise<void> {
    standing.planned(ms === null ? null : now() + ms);
    if (isAsked()) return;
    if (ms === null) {
      while (!signal.aborted && (await alarm.wait(FOR_EVER_MS, ["asked"], signal)) === null);
      return;
    }
    const woken = written ? "written" : await alarm.wait(ms, ["asked", "written"], signal);
    if (woken === "written" && !isAsked()) {
      standing.planned(now() + WRITE_DEBOUNCE_MS);
      await alarm.wait(WRITE_DEBOUNCE_MS, ["asked"], signal);
    }
  }

  async function waitBeforeRetry({ kind, retryAfterMs }: SyncFailedError): Promise<void> {
    if (isAsked() || signal.aborted) return;
    const failures = standing.status().consecutive_failures;
    const ms = automatic ? backoffMs(kind, failures, { ...options, retryAfterMs }, random()) : FOR_EVER_MS;
    standing.planned(automatic ? now() + ms : null);
    // A write does not cut this short: people go on typing while the remote is down.
    await alarm.wait(ms, ["asked", "network"], signal);
  }

  async function attempt(): Promise<void> {
    const waiting = asked;
    asked = [];
    const toCompare = comparisons.take();
    written = false;
    standing.began();
    const report: CycleReport = emptyReport();
    try {
      await engine.cycle(signal, report).finally(() => {
        standing.ended(report);
      });
      standing.succeeded(report);
      for (const { resolve } of waiting) resolve(report);
      await afterCycle(report);
      await comparisons.run(toCompare, signal);
    } catch (thrown) {
      const error = toSyncFailure(thrown);
      for (const { reject } of [...waiting, ...toCompare]) reject(error);
      queueWatch.interrupted();
      if (!signal.aborted) standing.failed(error);
      throw error;
    }
  }

  async function afterCycle(report: CycleReport): Promise<void> {
    const position = report.firstSync ?? null;
    const reached = position && { below: position.below, cursor: Number(read.meta.get("cursor") ?? 0) };
    // One that gets nowhere, for whatever reason, must not do so without a pause.
    fills = automatic && reached !== null && (reached.below < filled.below || reached.cursor > filled.cursor);
    filled = reached ?? NOTHING_FILLED;
    if (position !== null) return;
    await queueWatch.afterCycle(report);
    if (automatic) await comparisons.runDue(signal);
  }

  return {
    start() {
      loop ??= run().catch((error: unknown) => {
        if (!signal.aborted) log.error({ err: error }, "the sync loop ended unexpectedly");
      });
    },
    async stop() {
      stopping.abort(new SyncFailedError("internal", "HD_STOPPING", "the daemon is stopping"));
      await loop;
      for (const { reject } of [...asked, ...comparisons.take()]) reject(toSyncFailure(signal.reason));
      asked = [];
    },
    syncNow() {
      if (signal.aborted) return Promise.reject(toSyncFailure(signal.reason));
      return new Promise((resolve, reject) => {
        asked.push({ resolve, reject });
        alarm.wake("asked");
      });
    },
    reconcile(wanted) {
      if (signal.aborted) return Promise.reject(toSyncFailure(signal.reason));
      const answer = comparisons.ask(wanted);
      alarm.wake("asked");
      return answer;
    },
    reconciliations: read.reconciliations.list,
    notice() {
      written = true;
      alarm.wake("written");
    },
    networkChanged() {
      alarm.wake("network");
    },
    status: () => toSyncStatus(read, options, standing.status(), queueWatch.stalled()),
    totals: standing.totals,
  };
}
