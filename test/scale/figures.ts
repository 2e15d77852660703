import { percentile } from "../bench/stats.ts";
import type { ScaleOptions } from "./arguments.ts";
import { createHistogram } from "./histogram.ts";
import type { CycleNote, PhaseName } from "./questions.ts";
import type { PhaseRecord, RunRecord } from "./run.ts";
import type { ServerOutage } from "./server.ts";
import { trafficBetween } from "./traffic.ts";

/** Times in ms; null where nothing was measured. */
export interface Times {
  p50: number | null;
  p95: number | null;
  max: number | null;
}

export interface CycleFigures {
  total: number;
  /** By error code. */
  failed: Record<string, number>;
  /** Percent that succeeded; null without cycles. */
  succeeded: number | null;
  durationMs: Times;
}

export interface PhaseFigures {
  name: PhaseName;
  seconds: number;
  cycles: CycleFigures;
  /** From recorded to present: on each other machine by itself, and until it was on all of them. */
  toEach: Times;
  toAll: Times;
  /** Of one machine on average. `reads` and `writes` are transactions, `requests` everything over HTTP. */
  perMachineHour: { requests: number; reads: number; writes: number; bytesUp: number; bytesDown: number };
  statuses: Record<string, number>;
  connections: number;
  server: { cpuPercent: number | null; rssMb: number | null; rowsRead: number; rowsWritten: number };
}

export interface ScaleFigures {
  phases: PhaseFigures[];
  cycles: { overall: CycleFigures; outsideOutages: CycleFigures };
  outageMs: { how: string; ms: number }[];
  /** In the idle phase. */
  idle: { cycles: number; reads: number; writes: number };
  server: {
    cpuMs: number | null;
    peakMb: number | null;
    databaseBytes: number;
    folderBytes: number;
    bytesPerEntry: number;
  };
  workersRssMb: number[];
}

export function runToFigures(run: RunRecord, options: ScaleOptions): ScaleFigures {
  const cycles = run.harvests.flatMap((harvest) => harvest.cycles);
  const last = run.phases.at(-1)!.after.server;
  const idle = cyclesOf(
    run.phases.find(({ name }) => name === "idle")!,
    cycles,
  );
  return {
    phases: run.phases.map((phase) => phaseFigures(phase, cycles, run, options)),
    cycles: {
      overall: cycleFigures(cycles),
      outsideOutages: cycleFigures(cycles.filter((cycle) => !touchesOutage(cycle, run.outages))),
    },
    outageMs: run.outages.map(({ how, from, to }) => ({ how, ms: to - from })),
    idle: { cycles: idle.length, reads: sum(idle, "reads"), writes: sum(idle, "writes") },
    server: {
      cpuMs: last.cpuMs,
      peakMb: run.serverPeakMb,
      databaseBytes: last.databaseBytes,
      folderBytes: last.folderBytes,
      bytesPerEntry: last.databaseBytes / Math.max(1, run.entries),
    },
    workersRssMb: run.harvests.map(({ rssMb }) => rssMb),
  };
}

function phaseFigures(
  phase: PhaseRecord,
  allCycles: readonly CycleNote[],
  run: RunRecord,
  { machines }: ScaleOptions,
): PhaseFigures {
  const { name, from, to, before, after } = phase;
  const cycles = cyclesOf(phase, allCycles);
  const traffic = trafficBetween(before.traffic, after.traffic);
  const ms = to - from;
  const hourly = (count: number): number => (count / machines / ms) * 3_600_000;
  const cpu =
    after.server.cpuMs === null || before.server.cpuMs === null
      ? null
      : after.server.cpuMs - before.server.cpuMs;
  return {
    name,
    seconds: ms / 1000,
    cycles: cycleFigures(cycles),
    toEach: toEachFigures(run, name),
    toAll: toAllFigures(run, name, machines),
    perMachineHour: {
      requests: hourly(traffic.requests),
      reads: hourly(sum(cycles, "reads")),
      writes: hourly(sum(cycles, "writes")),
      bytesUp: hourly(traffic.bytesUp),
      bytesDown: hourly(traffic.bytesDown),
    },
    statuses: traffic.statuses,
    connections: traffic.connections,
    server: {
      cpuPercent: cpu === null ? null : (cpu / ms) * 100,
      rssMb: after.server.rssMb,
      rowsRead: after.server.rowsRead - before.server.rowsRead,
      rowsWritten: after.server.rowsWritten - before.server.rowsWritten,
    },
  };
}

function cyclesOf({ from, to }: PhaseRecord, cycles: readonly CycleNote[]): CycleNote[] {
  return cycles.filter(({ start }) => start >= from && start < to);
}

/** A cycle that was under way at any moment in which the server was away. */
function touchesOutage({ start, end }: CycleNote, outages: readonly ServerOutage[]): boolean {
  return outages.some(({ from, to }) => start < to && end > from);
}

function cycleFigures(cycles: readonly CycleNote[]): CycleFigures {
  const failed: Record<string, number> = {};
  for (const { failed: code } of cycles) if (code !== null) failed[code] = (failed[code] ?? 0) + 1;
  const good = cycles.filter((cycle) => cycle.failed === null);
  return {
    total: cycles.length,
    failed,
    succeeded: cycles.length === 0 ? null : (good.length / cycles.length) * 100,
    durationMs: timesOf(good.map(({ start, end }) => end - start)),
  };
}

function toEachFigures({ harvests }: RunRecord, phase: PhaseName): Times {
  const times = createHistogram();
  for (const { arrivals } of harvests) times.merge(arrivals[phase] ?? []);
  return { p50: times.percentile(50), p95: times.percentile(95), max: times.percentile(100) };
}

/** Only of entries that have come to all others: one that has not is lost, and is reported as that. */
function toAllFigures({ harvests }: RunRecord, wanted: PhaseName, machines: number): Times {
  const slowest = new Map<string, { ms: number; machines: number }>();
  for (const [id, phase, ms, arrived] of harvests.flatMap((harvest) => harvest.slowest)) {
    if (phase !== wanted) continue;
    const known = slowest.get(id) ?? { ms: 0, machines: 0 };
    slowest.set(id, { ms: Math.max(known.ms, ms), machines: known.machines + arrived });
  }
  return timesOf([...slowest.values()].filter((one) => one.machines === machines - 1).map(({ ms }) => ms));
}

function timesOf(values: readonly number[]): Times {
  if (values.length === 0) return { p50: null, p95: null, max: null };
  return { p50: percentile(values, 50), p95: percentile(values, 95), max: percentile(values, 100) };
}

function sum(cycles: readonly CycleNote[], key: "reads" | "writes"): number {
  return cycles.reduce((total, cycle) => total + cycle[key], 0);
}
