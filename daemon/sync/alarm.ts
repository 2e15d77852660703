import type { Timers } from "../core/timers.ts";

/** A wait that others can cut short for a reason. */
export interface Alarm<Reason extends string> {
  /** Waits; resolves with the reason it was woken for, or `null` when the time was up or the signal aborted. */
  wait(ms: number, reasons: readonly Reason[], signal: AbortSignal): Promise<Reason | null>;
  /** Wakes the wait that is under way, where it listens to this reason. */
  wake(reason: Reason): void;
}

export function createAlarm<Reason extends string>(timers: Timers): Alarm<Reason> {
  let waiting: { reasons: readonly Reason[]; end: (reason: Reason) => void } | null = null;
  return {
    async wait(ms, reasons, signal) {
      const over = new AbortController();
      try {
        return await Promise.race([
          timers.sleep(ms, AbortSignal.any([signal, over.signal])).then(() => null),
          new Promise<Reason>((resolve) => {
            waiting = { reasons, end: resolve };
          }),
        ]);
      } finally {
        waiting = null;
        over.abort();
      }
    },
    wake(reason) {
      if (waiting?.reasons.includes(reason)) waiting.end(reason);
    },
  };
}
