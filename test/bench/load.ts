import { startChild } from "./child.ts";
import { cpuMs } from "./machine.ts";
import type { Bench } from "./bench.ts";

/** What the clients ask for, in turn. */
export type Work =
  /** `POST` of new entries, every one with an id of its own, as clients do that must be able to repeat a request. */
  | { readonly kind: "record"; readonly path: string }
  /** `GET` of these paths, one after another. */
  | { readonly kind: "read"; readonly paths: readonly string[] };

/** A closed loop: every client sends its next request when it has the answer to the last. */
export interface LoadJob {
  readonly socket: string;
  readonly clients: number;
  readonly work: Work;
  /** The only status that is not an error: a refusal answers faster than the work. */
  readonly expect: number;
  /** Requests, of all clients together, before those that count. */
  readonly warmup: number;
  /** Requests of all clients together, or a time. */
  readonly until: { readonly requests: number } | { readonly ms: number };
}

export interface LoadResult {
  readonly latenciesMs: readonly number[];
  readonly elapsedMs: number;
}

/** Processor time that was used while a load ran, warming up included; null where the system does not tell. */
export interface Watched extends LoadResult {
  readonly wallMs: number;
  readonly serverCpuMs: number | null;
  readonly clientCpuMs: number | null;
}

export interface Load {
  run(job: LoadJob): Promise<LoadResult>;
  /** The same, with what it cost the server and the load generator: who was the bottleneck. */
  runWatched(job: LoadJob, serverPid: number): Promise<Watched>;
}

/** Starts the load generator, in a process of its own: neither the server nor the benchmark's own work slows it. */
export async function startLoad(bench: Bench): Promise<Load> {
  const child = await startChild(bench, new URL("./load-generator.js", import.meta.url));
  const run = (job: LoadJob): Promise<LoadResult> => child.ask<LoadResult>(job);
  return {
    run,
    async runWatched(job, serverPid) {
      const before = { server: cpuMs(serverPid), client: cpuMs(child.pid), wall: performance.now() };
      const result = await run(job);
      return {
        ...result,
        wallMs: performance.now() - before.wall,
        serverCpuMs: difference(before.server, cpuMs(serverPid)),
        clientCpuMs: difference(before.client, cpuMs(child.pid)),
      };
    },
  };
}

function difference(from: number | null, to: number | null): number | null {
  return from === null || to === null ? null : to - from;
}
