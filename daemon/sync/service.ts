import pRetry from "p-retry";
import type { CycleResult, SyncStatus } from "../../client-lib/protocol/sync.ts";
import { RemoteError } from "../remote/remote.ts";
import type { Reads } from "../store/store.ts";
import type { Log } from "../core/log.ts";
import type { Timers } from "../core/timers.ts";
import { type Alarm, createAlarm } from "./alarm.ts";
import { type CycleReport, emptyReport, type Engine } from "./engine.ts";
import { backoffMs, type FailureKind, jitteredMs, stateAfter } from "./retry-policy.ts";

export interface SyncServiceOptions {
  engine: Engine;
  read: Pick<Reads, "meta" | "outbox" | "setAside">;
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
}

/** A cycle that was asked for did not succeed. `cause` is why. */
export class SyncFailedError extends Error {
  override readonly name = "SyncFailedError";
  readonly kind: FailureKind;
  readonly code: string;
  constructor(kind: FailureKind, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
    this.code = code;
  }
}

/** The loop that keeps this machine synchronised. */
export interface SyncService {
  start(): void;
  /** Ends the loop; a cycle that is under way is cut off, which loses nothing. */
  stop(): Promise<void>;
  /** Runs a cycle that begins after this call. @throws SyncFailedError */
  syncNow(): Promise<CycleReport>;
  /** Something was written here: a cycle follows soon. */
  notice(): void;
  /** The network changed: a retry that waits does not wait longer. */
  networkChanged(): void;
  status(): SyncStatus;
  /** Since the start. */
  totals(): { uploaded: number; downloaded: number; conflicts: number; errors: number };
}

type WakeReason = "asked" | "written" | "network";

/** The first cycle comes at a random moment of this span, so that a fleet that boots together does not call together. */
const START_SPREAD_MS = 2000;

/** How long a write waits for company before it is sent. */
const WRITE_DEBOUNCE_MS = 300;

interface Asked {
  resolve: (report: CycleReport) => void;
  reject: (error: Error) => void;
}

export function createSyncService(options: SyncServiceOptions): SyncService {
  const { engine, read, log, random, now } = options;
  const alarm: Alarm<WakeReason> = createAlarm(options.timers);
  const stopping = new AbortController();
  const { signal } = stopping;
  const totals = { uploaded: 0, downloaded: 0, conflicts: 0, errors: 0 };

  let loop: Promise<void> | null = null;
  let asked: Asked[] = [];
  let written = false;
  let state: SyncStatus["state"] = "waiting";
  let reason: string | null = "no cycle has run yet";
  let lastAttempt: number | null = null;
  let nextAttempt: number | null = null;
  let failures = 0;
  let lastError: SyncStatus["last_error"] = null;
  let lastCycle: CycleResult | null = null;
  let remoteRev: number | null = null;
  /** The last settled state that was logged: every change is one line, a repeated state none. */
  let loggedState: SyncStatus["state"] | null = null;

  async function run(): Promise<void> {
    await idle(
      options.automatic ? Math.round(random() * Math.min(START_SPREAD_MS, options.intervalMs)) : null,
    );
    while (!signal.aborted) {
      await pRetry(attempt, {
        retries: Number.POSITIVE_INFINITY,
        // The waiting is ours: it can be cut short, and its clock is given.
        minTimeout: 0,
        signal,
        onFailedAttempt: ({ error }) => waitBeforeRetry(error),
      });
      await idle(options.automatic ? jitteredMs(options.intervalMs, random()) : null);
    }
  }

  /** @param ms null: until asked */
  async function idle(ms: number | null): Promise<void> {
    nextAttempt = ms === null ? null : now() + ms;
    if (asked.length > 0) return;
    if (ms === null) {
      while (!signal.aborted && (await alarm.wait(2 ** 31 - 1, ["asked"], signal)) === null);
      return;
    }
    const woken = written ? "written" : await alarm.wait(ms, ["asked", "written"], signal);
    if (woken === "written" && asked.length === 0) {
      nextAttempt = now() + WRITE_DEBOUNCE_MS;
      await alarm.wait(WRITE_DEBOUNCE_MS, ["asked"], signal);
    }
  }

  async function waitBeforeRetry(error: Error): Promise<void> {
    if (asked.length > 0 || signal.aborted) return;
    const kind = error instanceof SyncFailedError ? error.kind : "internal";
    const ms = options.automatic ? backoffMs(kind, failures, options, random()) : 2 ** 31 - 1;
    nextAttempt = options.automatic ? now() + ms : null;
    // A write does not cut this short: people go on typing while the remote is down.
    await alarm.wait(ms, ["asked", "network"], signal);
  }

  async function attempt(): Promise<void> {
    const waiting = asked;
    asked = [];
    written = false;
    state = "syncing";
    reason = null;
    lastAttempt = now();
    nextAttempt = null;
    const report = emptyReport();
    try {
      await engine.cycle(signal, report);
      count(report);
      for (const { resolve } of waiting) resolve(report);
      succeeded(report);
    } catch (thrown) {
      const error = toSyncFailure(thrown);
      count(report);
      for (const { reject } of waiting) reject(error);
      failed(error);
      throw error;
    }
  }

  function count(report: CycleReport): void {
    totals.uploaded += report.uploaded;
    totals.downloaded += report.downloaded;
    totals.conflicts += report.conflicts;
    remoteRev = report.serverRev ?? remoteRev;
  }

  function succeeded(report: CycleReport): void {
    const { serverRev, ...result } = report;
    lastCycle = result;
    failures = 0;
    lastError = null;
    state = "synced";
    reason = null;
    log.debug({ ...result, serverRev }, "sync cycle done");
    if (loggedState !== state)
      log.info({ ...result, pending: read.outbox.depth() }, "synced with the remote");
    loggedState = state;
  }

  function failed(error: SyncFailedError): void {
    if (signal.aborted) return;
    totals.errors += 1;
    failures += 1;
    state = stateAfter(error.kind);
    reason = error.message;
    const known = lastError?.code === error.code;
    lastError = { code: error.code, message: error.message, at: now() };
    const fields = { code: error.code, failures, pending: read.outbox.depth() };
    if (loggedState === state && known) log.debug(fields, error.message);
    else if (error.kind === "internal")
      log.error({ ...fields, err: error.cause }, `sync failed: ${error.message}`);
    else if (state === "error") log.error(fields, `sync stopped: ${error.message}`);
    else log.warn(fields, `sync is ${state}: ${error.message}; nothing is lost, trying again`);
    loggedState = state;
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
      for (const { reject } of asked) reject(toSyncFailure(signal.reason));
      asked = [];
    },
    syncNow() {
      if (signal.aborted) return Promise.reject(toSyncFailure(signal.reason));
      return new Promise((resolve, reject) => {
        asked.push({ resolve, reject });
        alarm.wake("asked");
      });
    },
    notice() {
      written = true;
      alarm.wake("written");
    },
    networkChanged() {
      alarm.wake("network");
    },
    status: () => ({
      enabled: true,
      state,
      reason,
      remote: options.remote,
      interval_ms: options.intervalMs,
      last_sync: numberOrNull(read.meta.get("last_sync")),
      last_attempt: lastAttempt,
      next_attempt: nextAttempt,
      consecutive_failures: failures,
      last_error: lastError,
      pending: read.outbox.depth(),
      parked: read.outbox.parked(),
      set_aside: read.setAside.count(),
      oldest_pending: read.outbox.oldest(),
      cursor: Number(read.meta.get("cursor") ?? 0),
      remote_rev: remoteRev,
      last_cycle: lastCycle,
    }),
    totals: () => ({ ...totals }),
  };
}

function toSyncFailure(thrown: unknown): SyncFailedError {
  if (thrown instanceof SyncFailedError) return thrown;
  if (thrown instanceof RemoteError)
    return new SyncFailedError(thrown.kind, thrown.code, thrown.message, { cause: thrown });
  const cause = thrown instanceof Error ? thrown : new Error(String(thrown));
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : "HD_INTERNAL";
  return new SyncFailedError("internal", code, cause.message, { cause });
}

function numberOrNull(text: string | null): number | null {
  return text === null ? null : Number(text);
}
