import type { Log } from "../core/log.ts";
import type { CycleReport, Engine } from "./engine.ts";
import type { SyncReads } from "./sync-reads.ts";

/** A queue that does not move. */
export interface Stalled {
  /** The first cycle after which it had not moved, ms since the epoch. */
  since: number;
  reason: string;
}

/**
 * Notices a queue that does not move although every cycle succeeds, which no error would ever tell. It counts cycles
 * and not time: on a machine that sleeps, or synchronises by hand, hours between two cycles mean nothing.
 */
export interface QueueWatch {
  /** Called after each complete cycle; resolves when what had to be done is done. */
  afterCycle(report: CycleReport): Promise<void>;
  /** A cycle failed: the next ones are counted anew, since a broken link is a reason of its own. */
  interrupted(): void;
  stalled(): Stalled | null;
}

/** Successful cycles in a row with the same record at the head, before that is a fault. */
const PATIENCE_CYCLES = 3;

export function createQueueWatch(options: {
  engine: Pick<Engine, "mendQueue">;
  read: Pick<SyncReads, "outbox">;
  log: Log;
  now: () => number;
}): QueueWatch {
  const { engine, read, log, now } = options;
  let head: string | null = null;
  let cycles = 0;
  let since = 0;
  let mendAt = PATIENCE_CYCLES;
  let stalled: Stalled | null = null;

  function startOver(newHead: string | null): void {
    head = newHead;
    cycles = newHead === null ? 0 : 1;
    since = now();
    mendAt = PATIENCE_CYCLES;
    if (stalled !== null)
      log.info({ since: stalled.since, pending: read.outbox.depth() }, "the queue moves again");
    stalled = null;
  }

  async function mend(): Promise<void> {
    // Doubling, so that what cannot be mended costs ever less.
    mendAt = cycles * 2;
    const known = stalled !== null;
    const what = `the same record is at the head of the queue after ${cycles} successful cycles`;
    stalled ??= { since, reason: what };
    let done: string;
    try {
      done = await engine.mendQueue();
    } catch (error) {
      done = `mending it failed: ${error instanceof Error ? error.message : String(error)}`;
    }
    stalled = { since, reason: `${what}; ${done}` };
    const fields = { record: head, cycles, pending: read.outbox.depth() };
    const message = `the queue does not move: ${stalled.reason}`;
    if (known) log.debug(fields, message);
    else log.warn(fields, message);
  }

  return {
    async afterCycle(report) {
      const current = read.outbox.first(1)[0]?.id ?? null;
      if (current === null || current !== head || report.uploaded > 0) {
        startOver(current !== null && report.uploaded === 0 ? current : null);
        return;
      }
      cycles += 1;
      if (cycles >= mendAt) await mend();
    },
    interrupted() {
      // One that is known to be stalled stays so until it moves.
      if (stalled === null) head = null;
    },
    stalled: () => stalled,
  };
}
