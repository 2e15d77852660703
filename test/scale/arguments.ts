import { parseArgs } from "node:util";

/** How large the fleet is, and what happens to it. */
export interface ScaleOptions {
  readonly machines: number;
  /** Processes among which the machines are shared out. */
  readonly workers: number;
  /** Between two cycles of a machine with nothing to send. */
  readonly intervalMs: number;
  /** Intervals of steady load. */
  readonly steady: number;
  /** Intervals in which nobody writes. */
  readonly idle: number;
  /** Mean time between two things that a person does on one machine. */
  readonly recordEveryMs: number;
  /** Entries that each machine has when it starts. */
  readonly backlog: number;
  /** How long the server stays away, each time. */
  readonly downMs: number;
}

export interface Arguments extends ScaleOptions {
  readonly help: boolean;
  readonly json: boolean;
}

const FULL: ScaleOptions = {
  machines: 300,
  workers: 6,
  intervalMs: 30_000,
  steady: 4,
  idle: 3,
  recordEveryMs: 60_000,
  backlog: 3,
  downMs: 5000,
};

const QUICK: ScaleOptions = {
  machines: 40,
  workers: 2,
  intervalMs: 1000,
  steady: 4,
  idle: 3,
  recordEveryMs: 2000,
  backlog: 3,
  downMs: 1000,
};

export const HELP = `Runs a fleet of machines against one sqld with its default limits, and counts what is lost.
Usage: npm run scale -- [options]

  --machines 300            each with a cache, a recorder and a sync loop of its own
  --workers 6               processes they are shared out among
  --interval-ms 30000       between two cycles
  --steady 4                intervals of steady load
  --idle 3                  intervals in which nobody writes
  --record-every-ms 60000   mean time between two things done on one machine; twice the interval by default
  --backlog 3               entries on each machine before it starts
  --down-ms 5000            how long the server stays away, each of two times
  --quick                   40 machines and an interval of a second, for CI; the other options go before it
  --json                    print the results as JSON instead of the table
  --help

The exit status is 1 where something was lost, doubled or altered, or where the fleet did not come to rest. Figures
never change it. Every run writes its results to bench-results/.
`;

/** @throws Error that says what was expected and what came */
export function parseScaleArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      machines: { type: "string" },
      workers: { type: "string" },
      "interval-ms": { type: "string" },
      steady: { type: "string" },
      idle: { type: "string" },
      "record-every-ms": { type: "string" },
      backlog: { type: "string" },
      "down-ms": { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const preset = values.quick ? QUICK : FULL;
  const whole = (name: keyof typeof values, fallback: number, least = 1): number => {
    const text = values[name];
    if (typeof text !== "string") return fallback;
    if (/^\d{1,8}$/.test(text) && Number(text) >= least) return Number(text);
    throw new Error(`--${name}: expected a whole number from ${least}, got '${text}'`);
  };
  const intervalMs = whole("interval-ms", preset.intervalMs, 100);
  // Two machines at least: a fleet of one has nobody to tell.
  const machines = whole("machines", preset.machines, 2);
  return {
    help: values.help,
    json: values.json,
    machines,
    workers: Math.min(whole("workers", preset.workers), machines),
    intervalMs,
    steady: whole("steady", preset.steady, 2),
    idle: whole("idle", preset.idle),
    recordEveryMs: whole("record-every-ms", 2 * intervalMs),
    backlog: whole("backlog", preset.backlog, 0),
    downMs: whole("down-ms", preset.downMs),
  };
}
