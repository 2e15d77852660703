import type { Difference } from "./compare.ts";
import type { RunRecord } from "./run.ts";
import type { ScaleFigures } from "./figures.ts";
import type { ScaleOptions } from "./arguments.ts";
import type { Target } from "../bench/report.ts";

/** Acknowledged by somebody and not everywhere as it must be. Counted once a place. */
export interface Losses {
  onServer: Counts;
  /** Of all caches together. */
  onMachines: Counts;
  machinesThatDiffer: number;
}

export type Counts = Record<keyof Difference, number>;

/** A heartbeat of an idle machine may be written so often. */
const HEARTBEAT_MS = 300_000;

/** The shortest wait between two cycles is the interval less its jitter. */
const LEAST_WAIT = 0.9;

export function lossesOf({ server, caches }: RunRecord): Losses {
  const onMachines: Counts = { lost: 0, doubled: 0, altered: 0 };
  for (const { difference } of caches.differing) {
    for (const key of ["lost", "doubled", "altered"] as const) onMachines[key] += difference[key].length;
  }
  return {
    onServer: {
      lost: server.lost.length,
      doubled: server.doubled.length,
      altered: server.altered.length,
    },
    onMachines,
    machinesThatDiffer: caches.differing.length,
  };
}

/** What makes the run fail, a sentence each: promises that hold at any speed. Empty when all were kept. */
export function brokenPromises(run: RunRecord): string[] {
  const { onServer, onMachines, machinesThatDiffer } = lossesOf(run);
  const broken: string[] = [];
  const total = (counts: Counts): number => counts.lost + counts.doubled + counts.altered;
  const words = ({ lost, doubled, altered }: Counts): string =>
    `${lost} lost, ${doubled} doubled, ${altered} altered`;
  if (total(onServer) > 0) broken.push(`on the server: ${words(onServer)}`);
  if (machinesThatDiffer > 0) broken.push(`on ${machinesThatDiffer} machines: ${words(onMachines)}`);
  if (run.caches.parked > 0) broken.push(`${run.caches.parked} records were parked: the server refused them`);
  if (run.caches.setAside > 0)
    broken.push(`${run.caches.setAside} records could not be read where they came`);
  for (const phase of run.restless)
    broken.push(`the fleet did not come to rest in the phase '${phase}': a queue did not empty in time`);
  if (run.entries === 0) broken.push("nothing was recorded, so that nothing was tried");
  return broken;
}

/** What the project wants of the figures. Information only: a busy machine must not fail a build. */
export function targetsOf(figures: ScaleFigures, run: RunRecord, options: ScaleOptions): Target[] {
  const { succeeded } = figures.cycles.outsideOutages;
  const steady = figures.phases.find(({ name }) => name === "steady")!;
  const { toEach } = steady;
  const idle = figures.phases.find(({ name }) => name === "idle")!;
  const seconds = (ms: number | null): string => (ms === null ? "nothing arrived" : `${ms / 1000} s`);
  const below = (limitMs: number, ms: number | null): boolean => ms !== null && ms < limitMs;
  const idleMs = idle.seconds * 1000;
  const mostReads = options.machines * (Math.floor(idleMs / (LEAST_WAIT * options.intervalMs)) + 1);
  const mostWrites = options.machines * Math.ceil(idleMs / HEARTBEAT_MS);
  return [
    {
      level: "must",
      text: "nothing lost or doubled",
      actual: brokenPromises(run).join("; ") || "nothing",
      met: brokenPromises(run).length === 0,
    },
    {
      level: "must",
      text: "> 99.9 % of cycles succeed while the server is there",
      actual: succeeded === null ? "no cycles" : `${succeeded.toFixed(3)} %`,
      met: succeeded !== null && succeeded > 99.9,
    },
    {
      level: "must",
      text: "propagation under steady load < 35 s (slowest)",
      actual: seconds(toEach.max),
      met: below(35_000, toEach.max),
    },
    {
      level: "stretch",
      text: "propagation under steady load < 5 s (p95)",
      actual: seconds(toEach.p95),
      met: below(5000, toEach.p95),
    },
    {
      level: "must",
      text: "an idle machine costs one read an interval",
      actual: `${figures.idle.reads} reads in ${figures.idle.cycles} cycles`,
      met: figures.idle.reads <= figures.idle.cycles && figures.idle.reads <= mostReads,
    },
    {
      level: "must",
      text: "an idle machine writes at most every 5 minutes",
      actual: `${figures.idle.writes} writes`,
      met: figures.idle.writes <= mostWrites,
    },
  ];
}
