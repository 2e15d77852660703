import { jitteredMs } from "./retry-policy.ts";
import type { SyncReads } from "./sync-reads.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Machines that were off overnight start together in the morning: they do not all compare at once. */
const START_SPREAD_MS = 10 * 60_000;

/** When the daily comparison is due. */
export interface ReconcileSchedule {
  isDue(): boolean;
  /** One was made, or tried, by the schedule. */
  tried(): void;
}

/** @param options.random in [0, 1) */
export function createReconcileSchedule(options: {
  read: Pick<SyncReads, "reconciliations">;
  random: () => number;
  now: () => number;
}): ReconcileSchedule {
  const { read, random, now } = options;
  let notBefore = now() + random() * START_SPREAD_MS;
  // Drawn once for each: drawn at each look, the shortest of many draws would decide.
  let periodMs = jitteredMs(DAY_MS, random());
  return {
    isDue() {
      if (now() < notBefore) return false;
      const last = read.reconciliations.list(1)[0];
      if (last === undefined || last.outcome === "failed") return true;
      // Either way: where the clock was set back, the last one seems to be yet to come.
      return Math.abs(now() - last.started_at) >= periodMs;
    },
    tried() {
      periodMs = jitteredMs(DAY_MS, random());
      // Also where it failed: it asks much of the remote, and cycles go on without it.
      notBefore = now() + jitteredMs(HOUR_MS, random());
    },
  };
}
