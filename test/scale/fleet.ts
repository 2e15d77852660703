import path from "node:path";
import { pathToFileURL } from "node:url";
import { packageRoot } from "../../client-lib/package-root.ts";
import type { Bench } from "../bench/bench.ts";
import { type Child, startChild } from "../bench/child.ts";
import type { ScaleOptions } from "./arguments.ts";
import { compareRows, type Difference, digestRows, type Row } from "./compare.ts";
import type {
  CacheDigest,
  Harvest,
  PhaseName,
  Pulse,
  WorkerAnswers,
  WorkerOptions,
  WorkerQuestion,
} from "./questions.ts";
import { addTraffic, type Traffic } from "./traffic.ts";

/** All machines, whichever process they live in. */
export interface Fleet {
  /** Begins a phase on all machines. */
  enter(name: PhaseName, load: boolean): Promise<void>;
  /**
   * Waits until no machine has anything to send, and each has since begun a cycle and ended it well: everything has
   * gone and come. @returns whether that was reached in time
   */
  settle(timeoutMs: number, onPulse: (pulse: Pulse) => void): Promise<boolean>;
  traffic(): Promise<Traffic>;
  stop(): Promise<void>;
  harvest(): Promise<Harvest[]>;
  /** Caches that do not hold exactly these rows. */
  check(expected: ReadonlyMap<string, Row>): Promise<CacheCheck>;
}

export interface CacheCheck {
  /** Of each cache that differs, by the number of its machine. */
  differing: { machine: number; difference: Difference }[];
  parked: number;
  setAside: number;
}

/** Workers run compiled, also where vitest runs this file from source. */
const WORKER = path.join(packageRoot, "dist/test/scale/worker.js");

/** How often a fleet that is to come to rest is asked whether it has. */
const PULSE_MS = 200;

export async function startFleet(
  bench: Bench,
  options: ScaleOptions,
  at: Pick<WorkerOptions, "url" | "home">,
): Promise<Fleet> {
  const shares = Array.from({ length: options.workers }, (_, worker) =>
    Array.from({ length: options.machines }, (__, machine) => machine).filter(
      (machine) => machine % options.workers === worker,
    ),
  );
  const workers = await Promise.all(shares.map(() => startChild(bench, pathToFileURL(WORKER))));
  await Promise.all(
    workers.map((worker, index) =>
      ask(worker, { ask: "open", options: { ...options, ...at, mine: shares[index] ?? [] } }),
    ),
  );
  const askAll = <Q extends WorkerQuestion>(question: Q): Promise<WorkerAnswers[Q["ask"]][]> =>
    Promise.all(workers.map((worker) => ask(worker, question)));

  async function pulse(): Promise<Pulse> {
    const pulses = await askAll({ ask: "pulse" });
    return {
      pending: pulses.reduce((sum, { pending }) => sum + pending, 0),
      syncedSince: Math.min(...pulses.map(({ syncedSince }) => syncedSince)),
    };
  }

  return {
    async enter(name, load) {
      await askAll({ ask: "phase", name, load });
    },
    async settle(timeoutMs, onPulse) {
      const deadline = Date.now() + timeoutMs;
      let emptySince: number | null = null;
      for (;;) {
        const now = await pulse();
        onPulse(now);
        // A merge while pulling puts a record back into an outbox that was empty.
        emptySince = now.pending > 0 ? null : (emptySince ?? Date.now());
        if (emptySince !== null && now.syncedSince > emptySince) return true;
        if (Date.now() > deadline) return false;
        await new Promise((resolve) => {
          setTimeout(resolve, PULSE_MS);
        });
      }
    },
    traffic: async () => addTraffic(await askAll({ ask: "traffic" })),
    async stop() {
      await askAll({ ask: "stop" });
    },
    harvest: () => askAll({ ask: "harvest" }),
    async check(expected) {
      const wanted = digestRows(expected.values());
      const digests = await askAll({ ask: "digests" });
      const differing: CacheCheck["differing"] = [];
      for (const [index, caches] of digests.entries()) {
        for (const { machine, digest } of caches) {
          if (digest === wanted) continue;
          const rows = await ask(workers[index]!, { ask: "rows", machine });
          differing.push({ machine, difference: compareRows(expected, rows) });
        }
      }
      const sum = (key: "parked" | "setAside"): number =>
        digests.flat().reduce((total, cache: CacheDigest) => total + cache[key], 0);
      return { differing, parked: sum("parked"), setAside: sum("setAside") };
    },
  };
}

function ask<Q extends WorkerQuestion>(worker: Child, question: Q): Promise<WorkerAnswers[Q["ask"]]> {
  return worker.ask<WorkerAnswers[Q["ask"]]>(question);
}
