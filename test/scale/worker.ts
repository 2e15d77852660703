import { answerQuestions } from "../bench/child.ts";
import type { RecordedEdit, RecordedEntry } from "./compare.ts";
import { type Arrival, createFleetMachine, type FleetMachine } from "./fleet-machine.ts";
import { createHistogram, type Histogram } from "./histogram.ts";
import type {
  CycleNote,
  Harvest,
  PhaseName,
  WorkerAnswers,
  WorkerOptions,
  WorkerQuestion,
} from "./questions.ts";
import { watchTraffic } from "./traffic.ts";

/** A process with a share of the fleet's machines. It ends when its input does. */

const traffic = watchTraffic();
const entries: RecordedEntry[] = [];
const edits: RecordedEdit[] = [];
const cycles: CycleNote[] = [];
/** Newest first. */
const phases: { name: PhaseName; from: number }[] = [];
const arrivals = new Map<PhaseName, Histogram>();
const slowest = new Map<string, [phase: PhaseName, ms: number, machines: number]>();
let machines: FleetMachine[] = [];
let working: { end: AbortController; done: Promise<unknown> } | null = null;
let highestRss = 0;

const watching = setInterval(() => {
  highestRss = Math.max(highestRss, process.memoryUsage.rss());
}, 500);

await answerQuestions((question) => answer(question as WorkerQuestion));
clearInterval(watching);
// What is left (timers of machines that never stopped) must not keep a process alive that nobody asks any more.
process.exit(0);

async function answer(question: WorkerQuestion): Promise<WorkerAnswers[WorkerQuestion["ask"]]> {
  switch (question.ask) {
    case "open":
      await open(question.options);
      return null;
    case "phase":
      await enter(question.name, question.load);
      return null;
    case "pulse":
      return {
        pending: machines.reduce((sum, machine) => sum + machine.pending(), 0),
        syncedSince: Math.min(...machines.map((machine) => machine.syncedSince())),
      };
    case "traffic":
      return traffic();
    case "stop":
      await Promise.all(machines.map((machine) => machine.stopSync()));
      return null;
    case "harvest":
      return harvest();
    case "digests":
      return machines.map((machine) => machine.digest());
    case "rows":
      return machines.find(({ number }) => number === question.machine)?.rows() ?? [];
  }
}

async function open({ mine, ...options }: WorkerOptions): Promise<void> {
  machines = mine.map((number) =>
    createFleetMachine({
      ...options,
      number,
      onEntry: (entry) => entries.push(entry),
      onEdit: (edit) => edits.push(edit),
      onCycle: (note) => cycles.push(note),
      onArrivals: noteArrivals,
    }),
  );
  for (const machine of machines) await machine.prepare();
}

async function enter(name: PhaseName, load: boolean): Promise<void> {
  phases.unshift({ name, from: Date.now() });
  if (name === "start") for (const machine of machines) machine.startSync();
  if (load && working === null) {
    const end = new AbortController();
    working = { end, done: Promise.all(machines.map((machine) => machine.work(end.signal))) };
  } else if (!load && working !== null) {
    working.end.abort();
    await working.done;
    working = null;
  }
}

function noteArrivals(arrived: readonly Arrival[]): void {
  const [begun] = phases.slice(-1);
  for (const { id, createdAt, at } of arrived) {
    const phase = phases.find(({ from }) => from <= createdAt) ?? begun;
    if (phase === undefined) continue;
    // The backlog counts from when sync was switched on.
    const ms = at - Math.max(createdAt, begun?.from ?? 0);
    const histogram = arrivals.get(phase.name) ?? createHistogram();
    arrivals.set(phase.name, histogram);
    histogram.add(ms);
    const [, most, times] = slowest.get(id) ?? [phase.name, 0, 0];
    slowest.set(id, [phase.name, Math.max(most, ms), times + 1]);
  }
}

function harvest(): Harvest {
  const byPhase: Harvest["arrivals"] = {};
  for (const [phase, histogram] of arrivals) byPhase[phase] = histogram.buckets();
  return {
    entries,
    edits,
    cycles,
    arrivals: byPhase,
    slowest: [...slowest].map(([id, rest]) => [id, ...rest]),
    rssMb: highestRss / 2 ** 20,
  };
}
