import type { CycleResult, FirstSync, SyncState, SyncStatus } from "../../client-lib/protocol/sync.ts";
import type { Log } from "../core/log.ts";
import type { SyncFailedError } from "./failure.ts";
import { stateAfter } from "./retry-policy.ts";
import type { CycleReport, FillPosition } from "./engine.ts";
import type { SyncReads } from "./sync-reads.ts";

export interface Totals {
  uploaded: number;
  downloaded: number;
  conflicts: number;
  errors: number;
}

/** What only the loop knows; the cache has the rest. */
export type OwnStatus = Pick<
  SyncStatus,
  | "state"
  | "reason"
  | "last_attempt"
  | "next_attempt"
  | "consecutive_failures"
  | "last_error"
  | "last_cycle"
  | "remote_rev"
  | "first_sync"
>;

/** How sync stands, as the cycles made it. Every change of state is one line in the log, a repeated state none. */
export interface Standing {
  began(): void;
  /** A cycle ended, one way or the other: also one that failed has done something. */
  ended(report: CycleReport): void;
  succeeded(report: CycleReport): void;
  failed(error: SyncFailedError): void;
  /** @param at ms since the epoch; null: not before it is asked for */
  planned(at: number | null): void;
  status(): OwnStatus;
  totals(): Totals;
}

export function createStanding(options: {
  read: Pick<SyncReads, "outbox">;
  log: Log;
  now: () => number;
  /** False: the next slice of a first sync waits until it is asked for. */
  automatic: boolean;
  onChange: () => void;
}): Standing {
  const { read, log, now } = options;
  const totals: Totals = { uploaded: 0, downloaded: 0, conflicts: 0, errors: 0 };
  const own: OwnStatus = {
    state: "waiting",
    reason: "no cycle has run yet",
    last_attempt: null,
    next_attempt: null,
    consecutive_failures: 0,
    last_error: null,
    last_cycle: null,
    remote_rev: null,
    first_sync: null,
  };
  /** What the log said last. */
  let logged: SyncState | "filling" | null = null;

  function change(to: Partial<OwnStatus>): void {
    Object.assign(own, to);
    options.onChange();
  }

  function logSuccess(result: CycleResult, serverRev: number | null): void {
    log.debug({ ...result, serverRev }, "sync cycle done");
    const settled = own.first_sync === null ? "synced" : "filling";
    const fields = { ...result, pending: read.outbox.depth() };
    if (logged === settled) return;
    logged = settled;
    if (settled === "synced") log.info(fields, "synced with the remote");
    else log.info({ ...fields, ...own.first_sync }, "the first sync goes on, newest entries first");
  }

  return {
    began() {
      change({ state: "syncing", reason: null, last_attempt: now(), next_attempt: null });
    },
    ended(report) {
      totals.uploaded += report.uploaded;
      totals.downloaded += report.downloaded;
      totals.conflicts += report.conflicts;
      own.remote_rev = report.serverRev ?? own.remote_rev;
      own.first_sync = toFirstSync(report.firstSync ?? null) ?? own.first_sync;
    },
    succeeded(report) {
      const { serverRev, firstSync, ...result } = report;
      const first_sync = toFirstSync(firstSync ?? null);
      const rest = { first_sync, last_cycle: result, consecutive_failures: 0, last_error: null };
      if (first_sync === null) change({ ...rest, state: "synced", reason: null });
      else {
        const state = options.automatic ? "syncing" : "waiting";
        change({ ...rest, state, reason: "the first sync is not complete yet" });
      }
      logSuccess(result, serverRev);
    },
    failed(error) {
      totals.errors += 1;
      const { code, message } = error;
      const state = stateAfter(error.kind);
      const known = own.last_error?.code === code && logged === state;
      const failures = own.consecutive_failures + 1;
      change({
        state,
        reason: message,
        consecutive_failures: failures,
        last_error: { code, message, at: now() },
      });
      const fields = { code, failures, pending: read.outbox.depth() };
      if (known) log.debug(fields, message);
      else if (error.kind === "internal")
        log.error({ ...fields, err: error.cause }, `sync failed: ${message}`);
      else if (state === "error") log.error(fields, `sync stopped: ${message}`);
      else log.warn(fields, `sync is ${state}: ${message}; nothing is lost, trying again`);
      logged = state;
    },
    planned(at) {
      own.next_attempt = at;
    },
    status: () => ({ ...own }),
    totals: () => ({ ...totals }),
  };
}

/** Revisions are not counted where nothing of them is selected: near enough for a bar. */
function toFirstSync(position: FillPosition | null): FirstSync {
  if (position === null) return null;
  const { from, below } = position;
  const progress = from === 0 ? 1 : Math.min(1, Math.max(0, (from - below) / from));
  return { progress, from, below };
}
