import type { SyncStatus } from "../../client-lib/protocol/sync.ts";
import { HOW_TO_MEND } from "./comparisons.ts";
import type { Stalled } from "./queue-watch.ts";
import type { OwnStatus } from "./standing.ts";
import type { SyncReads } from "./sync-reads.ts";

/** What `GET /v1/sync` says where there is a remote: what the loop knows, beside what the cache has. */
export function toSyncStatus(
  read: SyncReads,
  { remote, intervalMs }: { remote: string; intervalMs: number },
  own: OwnStatus,
  stalled: Stalled | null,
): SyncStatus {
  const last = read.reconciliations.list(1)[0] ?? null;
  const lastSync = read.meta.get("last_sync");
  // Whatever else is wrong is said first: it is why nothing is mended.
  const diverged = own.state === "synced" && last?.outcome === "differs";
  return {
    enabled: true,
    remote,
    interval_ms: intervalMs,
    last_sync: lastSync === null ? null : Number(lastSync),
    pending: read.outbox.depth(),
    parked: read.outbox.parked(),
    set_aside: read.setAside.count(),
    oldest_pending: read.outbox.oldest(),
    cursor: Number(read.meta.get("cursor") ?? 0),
    ...own,
    ...(diverged ? { state: "diverged" as const, reason: `${describe(last)}; ${HOW_TO_MEND}` } : {}),
    stalled,
    last_reconcile: last,
  };
}

function describe(last: NonNullable<SyncStatus["last_reconcile"]>): string {
  const { missing_here, missing_there, differing } = last;
  return `the last comparison found ${missing_here} records missing here, ${missing_there} missing on the remote, ${differing} that differ`;
}
