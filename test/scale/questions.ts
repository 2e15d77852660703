import type { Buckets } from "./histogram.ts";
import type { RecordedEdit, RecordedEntry, Row } from "./compare.ts";
import type { Traffic } from "./traffic.ts";

/** One attempt of one machine to synchronise. */
export interface CycleNote {
  machine: number;
  /** Wall clock, ms. */
  start: number;
  end: number;
  /** Null where it succeeded, the error's code where it did not. */
  failed: string | null;
  /** Requests that only read, and requests that may write, sent during this cycle. */
  reads: number;
  writes: number;
}

/** What one worker is to be. */
export interface WorkerOptions {
  url: string;
  /** Folder of all caches; each machine has one of its own in it. */
  home: string;
  /** Of the whole fleet. */
  machines: number;
  /** Those of this worker, as numbers from 0. */
  mine: readonly number[];
  intervalMs: number;
  recordEveryMs: number;
  backlog: number;
}

/** Called phases because that is what they are to the main process; a worker only notes their names. */
export type PhaseName = "start" | "steady" | "restart" | "drain" | "idle";

export type WorkerQuestion =
  | { ask: "open"; options: WorkerOptions }
  /** Begins a phase: entries recorded from now on belong to it, and are recorded only where `load` says so. */
  | { ask: "phase"; name: PhaseName; load: boolean }
  | { ask: "pulse" }
  | { ask: "traffic" }
  /** Ends all sync loops. */
  | { ask: "stop" }
  | { ask: "harvest" }
  | { ask: "digests" }
  | { ask: "rows"; machine: number };

/** How a worker's machines are doing. */
export interface Pulse {
  /** Records still to send, on all of them together. */
  pending: number;
  /** The earliest, over all machines, of the starts of their last successful cycles, ms; 0 where one has had none. */
  syncedSince: number;
}

export interface Harvest {
  entries: RecordedEntry[];
  edits: RecordedEdit[];
  cycles: CycleNote[];
  /** Times from recorded to present on another machine, by phase of the recording. */
  arrivals: Partial<Record<PhaseName, Buckets>>;
  /** By entry: phase, slowest arrival on any of this worker's machines, in ms, and on how many of them it arrived. */
  slowest: [id: string, phase: PhaseName, ms: number, machines: number][];
  /** Highest resident memory of this process, in MB. */
  rssMb: number;
}

export interface CacheDigest {
  machine: number;
  rows: number;
  digest: string;
  /** Records that the remote does not take, and records that this version cannot read. */
  parked: number;
  setAside: number;
}

/** What is answered to each question. */
export interface WorkerAnswers {
  open: null;
  phase: null;
  pulse: Pulse;
  traffic: Traffic;
  stop: null;
  harvest: Harvest;
  digests: CacheDigest[];
  rows: Row[];
}
