import type { Timers } from "../../daemon/core/timers.ts";

/** A clock that only the test moves. */
export interface VirtualTime {
  readonly timers: Timers;
  now(): number;
  /** Moves on to the next moment at which something wakes, at most `ms` from here, and lets what woke run. */
  advance(ms: number): Promise<void>;
  /** Lets everything run that waits for no time. */
  settle(): Promise<void>;
  /** Resolves when something sleeps: what runs on real connections has come to its end, however long that took. */
  asleep(): Promise<void>;
  /** Moves on by `ms` as `advance` does, for code that does real work whenever it wakes: each time, until it sleeps. */
  pass(ms: number): Promise<void>;
}

interface Sleeper {
  at: number;
  wake: () => void;
}

export function createVirtualTime(start = 1_000_000): VirtualTime {
  let time = start;
  const sleepers = new Set<Sleeper>();
  let onSleep: () => void = () => undefined;

  function nextToWake(until: number): Sleeper | null {
    const [next] = [...sleepers].toSorted((a, b) => a.at - b.at);
    return next === undefined || next.at > until ? null : next;
  }

  function wake(sleeper: Sleeper): void {
    time = Math.max(time, sleeper.at);
    sleeper.wake();
  }

  async function asleep(): Promise<void> {
    // Who has just been woken by other means goes on first.
    await settle();
    if (sleepers.size > 0) return;
    await new Promise<void>((resolve) => {
      onSleep = resolve;
    });
  }

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
          onSleep();
          if (signal.aborted) sleeper.wake();
          else signal.addEventListener("abort", sleeper.wake, { once: true });
        }),
    },
    async advance(ms) {
      const end = time + ms;
      await settle();
      for (let next = nextToWake(end); next !== null; next = nextToWake(end)) {
        wake(next);
        await settle();
      }
      time = end;
    },
    settle,
    asleep,
    async pass(ms) {
      const end = time + ms;
      await asleep();
      for (let next = nextToWake(end); next !== null; next = nextToWake(end)) {
        wake(next);
        await asleep();
      }
      time = end;
    },
  };
}
