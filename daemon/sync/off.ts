import { SyncFailedError } from "./failure.ts";
import type { SyncService } from "./service.ts";
import type { SyncReads } from "./sync-reads.ts";

/** Sync where there is nothing to synchronise with. Entries still queue up, for the day a remote is configured. */
export function createSyncOff(
  read: Pick<SyncReads, "outbox" | "setAside" | "reconciliations">,
  reason: string,
): SyncService {
  const off = (): Promise<never> => Promise.reject(new SyncFailedError("rejected", "HD_SYNC_OFF", reason));
  return {
    start: () => undefined,
    stop: () => Promise.resolve(),
    syncNow: off,
    reconcile: off,
    reconciliations: read.reconciliations.list,
    notice: () => undefined,
    networkChanged: () => undefined,
    status: () => ({
      enabled: false,
      state: "waiting",
      reason,
      remote: null,
      interval_ms: 0,
      last_sync: null,
      last_attempt: null,
      next_attempt: null,
      consecutive_failures: 0,
      last_error: null,
      pending: read.outbox.depth(),
      parked: 0,
      set_aside: read.setAside.count(),
      oldest_pending: read.outbox.oldest(),
      cursor: 0,
      remote_rev: null,
      last_cycle: null,
      first_sync: null,
      stalled: null,
      last_reconcile: read.reconciliations.list(1)[0] ?? null,
    }),
    totals: () => ({ uploaded: 0, downloaded: 0, conflicts: 0, errors: 0 }),
  };
}
