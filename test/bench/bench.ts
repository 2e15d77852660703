import type { RowReport } from "./report.ts";

/** What a row is given to run with. */
export interface Bench {
  /** A few seconds altogether, for CI: shows that everything runs, not how fast. */
  readonly quick: boolean;
  readonly rounds: number;
  /** Arguments of Node for the daemon, before its own. */
  readonly daemonNodeArgs: readonly string[];
  /** Says on the terminal what is going on. */
  readonly step: (text: string) => void;
  /** Notes what must be stopped or removed when the row has ended, however it ends; last first. */
  readonly onEnd: (name: string, stop: () => Promise<void> | void) => void;
}

/** One row of the table. */
export interface Row {
  readonly id: string;
  readonly title: string;
  run(bench: Bench): Promise<RowReport>;
}

type Sides = Readonly<Record<string, () => Promise<unknown>>>;

/** What each side returned, by round. */
type ByRound<S extends Sides> = { readonly [Name in keyof S]: Awaited<ReturnType<S[Name]>>[] };

/**
 * Runs all sides in turn, round after round, so that they meet the same state of the machine. Every other round goes
 * backwards, so that none always runs in the wake of the same other one. A first round only warms up: code is
 * compiled, files and pages are in place.
 */
export async function alternate<S extends Sides>(bench: Bench, sides: S): Promise<ByRound<S>> {
  const results = Object.fromEntries(Object.keys(sides).map((name) => [name, [] as unknown[]]));
  const forwards = Object.entries(sides);
  for (let round = 0; round <= bench.rounds; round++) {
    const order = round % 2 === 0 ? forwards : forwards.toReversed();
    for (const [name, run] of order) {
      bench.step(round === 0 ? `warming up: ${name}` : `round ${round} of ${bench.rounds}: ${name}`);
      const result = await run();
      if (round > 0) results[name]?.push(result);
    }
  }
  return results as ByRound<S>;
}
