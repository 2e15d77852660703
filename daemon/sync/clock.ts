import { hlcToMs, MAX_CLOCK_AHEAD_MS } from "../core/hlc.ts";
import type { Version } from "../core/record.ts";
import type { WriteTx } from "../store/writer.ts";
import { changeUnsent, withoutFutureStamps } from "./unsent.ts";

/** A longer round trip says too little about the server's clock. */
const TRUSTED_ROUND_TRIP_MS = 1000;

/** A clock that turns out to be further off than this was wrong; anything less is skew, which does no harm. */
const WRONG_MS = 60_000;

/** What was recorded within this time of when it was written down was recorded live, and not imported. */
const LIVE_MS = 10 * 60 * 1000;

/**
 * How far the server's clock is ahead of ours. Null where the round trip was too long to tell, or where our own
 * clock was set, or the machine slept, meanwhile.
 */
export function startOffsetMeasure(
  now: () => number,
  monotonicMs: () => number,
): (serverTimeMs: number) => number | null {
  const [wall, monotonic] = [now(), monotonicMs()];
  return (serverTimeMs) => {
    const [elapsed, roundTrip] = [now() - wall, monotonicMs() - monotonic];
    if (roundTrip > TRUSTED_ROUND_TRIP_MS || Math.abs(elapsed - roundTrip) > TRUSTED_ROUND_TRIP_MS)
      return null;
    return Math.round(serverTimeMs - (wall + elapsed / 2));
  };
}

/** Tells whether what this machine's clock is off by is still what the remote's last answer said. */
export interface ClockWatch {
  /** The remote has told what time it is. */
  checked(): void;
  /** False in a new process, and where the clock was set, or the machine slept, since. */
  isChecked(): boolean;
}

export function createClockWatch(now: () => number, monotonicMs: () => number): ClockWatch {
  let apart: number | null = null;
  return {
    checked() {
      apart = now() - monotonicMs();
    },
    isChecked: () => apart !== null && Math.abs(now() - monotonicMs() - apart) <= WRONG_MS,
  };
}

/**
 * Sets right what a wrong clock wrote here and nobody else has seen: stamps in the future, which would win over every
 * later edit, and the times of entries that were recorded since the clock was last known to be right.
 *
 * @param serverTimeMs what time it is; @param offset what to add to this machine's clock to get it, null: not measured
 */
export function correctClock(
  tx: WriteTx,
  machineId: string,
  serverTimeMs: number,
  offset: number | null,
): void {
  const limit = serverTimeMs + MAX_CLOCK_AHEAD_MS;
  if (hlcToMs(tx.clock.last()) > limit) {
    // Not to the present: stamps up to this limit may have left.
    tx.clock.rewind(limit);
    changeUnsent(tx, ({ version }) => withoutFutureStamps(version, limit, () => tx.clock.tick()));
  }
  if (offset === null) return;
  const wrongBy = offset - tx.meta.number("clock_offset_ms");
  if (Math.abs(wrongBy) > WRONG_MS) {
    const rightUntil = tx.meta.number("clock_checked");
    changeUnsent(tx, ({ version, rev }) =>
      rev === null && version.machineId === machineId
        ? withRightTimes(version, wrongBy, rightUntil - WRONG_MS, serverTimeMs + WRONG_MS)
        : null,
    );
  }
  tx.meta.set("clock_offset_ms", offset);
  tx.meta.set("clock_checked", serverTimeMs);
}

/** @param from since when it must have been recorded, if the clock is why it is not sent yet; @param until now */
function withRightTimes(version: Version, wrongBy: number, from: number, until: number): Version | null {
  const { created_at: created, timestamp } = version.fields;
  if (typeof created !== "number" || typeof timestamp !== "number") return null;
  const fits = (time: number): boolean => time >= from && time <= until;
  // The clock was right before, as far as is known: what it says is taken for true where it can be.
  if ((from > 0 && fits(created)) || !fits(created + wrongBy)) return null;
  const live = Math.abs(timestamp - created) <= LIVE_MS || timestamp > until;
  const times = { created_at: created + wrongBy, ...(live ? { timestamp: timestamp + wrongBy } : {}) };
  return { ...version, fields: { ...version.fields, ...times } };
}
