import { parseArgs } from "node:util";

/** What the benchmark was asked for. */
export interface Arguments {
  readonly help: boolean;
  readonly quick: boolean;
  readonly json: boolean;
  readonly cpuProfile: boolean;
  readonly rounds: number;
  /** Ids of rows, in the order of the table. */
  readonly rows: readonly string[];
}

export function helpText(rows: readonly string[]): string {
  return `Measures historyd beside bare references, in turn, on this machine.
Usage: npm run bench -- [options]

  --quick        a few seconds, to see that everything runs; the figures mean little
  --only N1,N3   these rows only (there are ${rows.join(", ")})
  --rounds 5     how often each side runs
  --json         print the results as JSON instead of the table
  --cpu-prof     leave a processor profile of each daemon in bench-results/; slows it down
  --help

Every run writes its results to bench-results/. Whether targets are met never changes the exit status.
`;
}

/**
 * @param rows ids of all there are
 * @throws Error that says what was expected and what came
 */
export function parseArguments(args: readonly string[], rows: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string" },
      rounds: { type: "string" },
      json: { type: "boolean", default: false },
      "cpu-prof": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  return {
    help: values.help,
    quick: values.quick,
    json: values.json,
    cpuProfile: values["cpu-prof"],
    rounds: values.rounds === undefined ? (values.quick ? 2 : 5) : toRounds(values.rounds),
    rows: values.only === undefined ? rows : pickRows(values.only, rows),
  };
}

function toRounds(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text))
    throw new Error(`--rounds: expected a number from 1 to 999, got '${text}'`);
  return Number(text);
}

function pickRows(only: string, rows: readonly string[]): readonly string[] {
  const wanted = only.split(",").map((id) => id.trim().toUpperCase());
  const unknown = wanted.find((id) => !rows.includes(id));
  if (unknown !== undefined) {
    throw new Error(`--only: expected some of ${rows.join(", ")}, got '${unknown}'`);
  }
  return rows.filter((id) => wanted.includes(id));
}
