import { setTimeout as delay } from "node:timers/promises";
import type { Timers } from "../core/timers.ts";

/** The real timers. */
export const systemTimers: Timers = {
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  },
};

/** Wall clock, ms since the epoch, with the error corrected that the remote's clock showed. */
export interface WallClock {
  now(): number;
  /** @param offsetMs what to add to this machine's clock to get the remote's */
  correct(offsetMs: number): void;
}

/** Below this the difference may as well be the network's delay, and correcting would only add noise. */
const TRUSTED_OFFSET_MS = 2000;

export function createWallClock(initialOffsetMs: number): WallClock {
  let correction = 0;
  const correct = (offsetMs: number): void => {
    correction = Math.abs(offsetMs) < TRUSTED_OFFSET_MS ? 0 : offsetMs;
  };
  correct(initialOffsetMs);
  return { now: () => Date.now() + correction, correct };
}
