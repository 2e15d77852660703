import { onTestFinished } from "vitest";
import type { Reconciliation } from "../../client-lib/protocol/reconcile.ts";
import { RemoteError, type RemoteErrorKind } from "../../daemon/remote/remote.ts";
import { createSyncService, type SyncService } from "../../daemon/sync/service.ts";
import type { CycleReport } from "../../daemon/sync/engine.ts";
import type { ReconcileOptions } from "../../daemon/sync/reconcile.ts";
import { createVirtualTime, type VirtualTime } from "../support/virtual-time.ts";

export const REPORT: CycleReport = {
  uploaded: 1,
  downloaded: 2,
  conflicts: 0,
  requests: 2,
  duration_ms: 5,
  serverRev: 9,
  firstSync: null,
};

export interface Line {
  level: string;
  message: string;
}

export interface Rig {
  time: VirtualTime;
  service: SyncService;
  /** When each cycle began. */
  cycles: number[];
  lines: Line[];
  /** What the next cycles do; a cycle without an entry succeeds. */
  outcomes: (() => Promise<CycleReport>)[];
  /** What was asked of the engine beside cycles. */
  reconciled: (ReconcileOptions & { reason: string; at: number })[];
  /** What the next comparisons do; one without an entry finds both sides equal. */
  comparisons: (() => Promise<Reconciliation>)[];
  /** What the cache keeps of comparisons, newest first; the engine's work, which the test may set. */
  kept: Reconciliation[];
  /** Ids in the outbox, which the test moves. */
  queue: string[];
  /** What the cache keeps beside: the cursor, say. */
  meta: Map<string, string>;
  /** When the queue was to be mended. */
  mended: number[];
  /** How often something changed. */
  changes: () => number;
}

export interface RigOptions {
  automatic?: boolean;
  random?: number;
  /** 30 s by default; a test over days takes a longer one, for fewer cycles. */
  intervalMs?: number;
  pending?: number;
  kept?: Reconciliation[];
  mendQueue?: () => Promise<string>;
}

/** The loop on a virtual clock, with an engine that does what the test says. */
export function rig(options: RigOptions = {}): Rig {
  const time = createVirtualTime();
  const made: Omit<Rig, "service" | "changes" | "time"> = {
    cycles: [],
    lines: [],
    outcomes: [],
    reconciled: [],
    comparisons: [],
    kept: options.kept ?? [],
    queue: [],
    meta: new Map(),
    mended: [],
  };
  let changes = 0;
  const log = (level: string) => (_fields: object, message: string) => {
    made.lines.push({ level, message });
  };
  const service = createSyncService({
    engine: {
      async cycle(signal, report) {
        made.cycles.push(time.now());
        signal.throwIfAborted();
        Object.assign(report, await (made.outcomes.shift()?.() ?? REPORT));
      },
      async reconcile(request, signal) {
        made.reconciled.push({ ...request, at: time.now() });
        signal.throwIfAborted();
        const { reason, content, repair } = request;
        const equal = { ...EQUAL, reason, content, repair, started_at: time.now() };
        const done = await (made.comparisons.shift()?.() ?? equal);
        made.kept.unshift(done);
        return done;
      },
      mendQueue() {
        made.mended.push(time.now());
        return options.mendQueue?.() ?? Promise.resolve("it was queued anew");
      },
    },
    read: {
      meta: { get: (key) => made.meta.get(key) ?? null },
      outbox: {
        first: (limit) => made.queue.slice(0, limit).map((id) => ({ kind: "history", id })),
        depth: () => options.pending ?? made.queue.length,
        parked: () => 0,
        oldest: () => null,
      },
      setAside: { count: () => 0 },
      reconciliations: { list: (limit) => made.kept.slice(0, limit) },
    },
    log: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") },
    timers: time.timers,
    random: () => options.random ?? 0.5,
    now: time.now,
    remote: "http://remote.test",
    intervalMs: options.intervalMs ?? 30_000,
    quickRetries: 3,
    automatic: options.automatic ?? true,
    onChange: () => {
      changes += 1;
    },
  });
  onTestFinished(() => service.stop());
  service.start();
  return { ...made, time, service, changes: () => changes };
}

/** What is told to people. */
export function told(lines: readonly Line[]): Line[] {
  return lines.filter(({ level }) => level !== "debug");
}

export const EQUAL: Reconciliation = {
  started_at: 0,
  reason: "daily",
  content: false,
  repair: true,
  outcome: "equal",
  compared: 7,
  local: { count: 7, digest: "d1" },
  remote: { count: 7, digest: "d1" },
  missing_here: 0,
  missing_there: 0,
  differing: 0,
  mended: 0,
  requests: 1,
  duration_ms: 3,
  error: null,
};

export const fail =
  (kind: RemoteErrorKind, code = "HD_TEST", more: object = {}) =>
  (): Promise<never> =>
    Promise.reject(Object.assign(new RemoteError(kind, code, `it is ${kind}`), more));
