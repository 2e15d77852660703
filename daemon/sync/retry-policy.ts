import type { SyncState } from "../../client-lib/protocol/sync.ts";
import type { RemoteErrorKind } from "../remote/remote.ts";

/** Why an attempt failed; `internal` is a fault of ours (a full disk among them). */
export type FailureKind = RemoteErrorKind | "internal";

interface Pace {
  /** The state that a failure of this kind puts sync in. */
  state: SyncState;
  firstMs: number;
  capMs: number;
}

/**
 * What passes by itself is tried again soon; what a person must mend (a token, a version) is tried seldom, because
 * asking more often would mend nothing. The caps bound how long an end of the fault goes unnoticed.
 */
const PACES: Record<FailureKind, Pace> = {
  unreachable: { state: "offline", firstMs: 1000, capMs: 60_000 },
  busy: { state: "waiting", firstMs: 1000, capMs: 60_000 },
  unauthorized: { state: "error", firstMs: 30_000, capMs: 300_000 },
  guard: { state: "error", firstMs: 30_000, capMs: 300_000 },
  rejected: { state: "error", firstMs: 5000, capMs: 300_000 },
  internal: { state: "error", firstMs: 5000, capMs: 60_000 },
};

/** Even a lucky draw waits this long: full jitter may otherwise give a delay of zero. */
const FLOOR_MS = 100;

export function stateAfter(kind: FailureKind): SyncState {
  return PACES[kind].state;
}

/**
 * How long to wait after the given number of failures in a row (from 1): exponential with full jitter, so that
 * machines which failed together do not come back together (M. Brooker, "Exponential Backoff And Jitter", 2015).
 *
 * @param options.quickRetries failures after which the wait is no shorter than half the interval: it is no hiccup
 * @param options.retryAfterMs what the remote asked for, null where it did not: waited for where it is within the cap,
 *   and up to half as long again, since it asked everyone for the same
 * @param random in [0, 1)
 */
export function backoffMs(
  kind: FailureKind,
  failures: number,
  options: { quickRetries: number; intervalMs: number; retryAfterMs?: number | null },
  random: number,
): number {
  const { firstMs, capMs } = PACES[kind];
  const ceiling = Math.min(capMs, firstMs * 2 ** (failures - 1));
  const floor = failures > options.quickRetries ? Math.min(options.intervalMs, capMs) / 2 : FLOOR_MS;
  const asked = Math.min(capMs, (options.retryAfterMs ?? 0) * (1 + random / 2));
  return Math.round(Math.max(floor, random * ceiling, asked));
}

/** The interval with ±10 % of jitter, so that machines started together drift apart. */
export function jitteredMs(intervalMs: number, random: number): number {
  return Math.round(intervalMs * (0.9 + 0.2 * random));
}
