import type { Timers } from "../../daemon/core/timers.ts";

/** A clock that only the test moves. */
export interface VirtualTime {
  readonly timers: Timers;
  now(): number;
  /** Moves on to the next moment at which something wakes, at most `ms` from here, and lets what woke run. */
  advance(ms: number): Promise<void>;
  /** Lets everything run that waits for no time. */
  settle(): Promise<void>;
}

interface Sleeper {
  at: number;
  wake: () => void;
}

export function createVirtualTime(start = 1_000_000): VirtualTime {
  let time = start;
  const sleepers = new Set<Sleeper>();

  async function settle(): Promise<void> {
    // Promise chains of the code under test are short; real work on disk ends in the immediates phase.
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  }

  return {
    now: () => time,
    timers: {
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          const sleeper: Sleeper = {
            at: time + ms,
            wake: () => {
              sleepers.delete(sleeper);
              resolve();
            },
          };
          sleepers.add(sleeper);
          if (signal.aborted) sleeper.wake();
          else signal.addEventListener("abort", sleeper.wake, { once: true });
        }),
    },
    async advance(ms) {
      const end = time + ms;
      await settle();
      for (;;) {
        const [next] = [...sleepers].toSorted((a, b) => a.at - b.at);
        if (next === undefined || next.at > end) break;
        time = Math.max(time, next.at);
        next.wake();
        await settle();
      }
      time = end;
    },
    settle,
  };
}
