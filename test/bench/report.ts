import { overRounds, percentile, quotients, type Spread } from "./stats.ts";

type Unit = "ms" | "µs" | "/s" | "×" | "%" | "MB" | "requests";

/** A number with its spread over the rounds. */
export interface Figure extends Spread {
  readonly unit: Unit;
}

/** What was measured on one side: figures by the name of their column. */
export interface Line {
  readonly name: string;
  readonly figures: Readonly<Record<string, Figure>>;
}

/** What the project wants of a figure. Information only: a benchmark on a busy machine must not fail a build. */
export interface Target {
  readonly level: "must" | "stretch";
  readonly text: string;
  /** What was measured, for people. */
  readonly actual: string;
  readonly met: boolean;
}

export interface RowReport {
  readonly lines: readonly Line[];
  readonly targets: readonly Target[];
  /** What one has to know to read the figures. */
  readonly notes: readonly string[];
}

/** Latencies of one side, in ms, by round. */
export type Rounds = readonly (readonly number[])[];

export function latencyLine(name: string, rounds: Rounds): Line {
  return { name, figures: { median: latency(rounds, 50), p95: latency(rounds, 95) } };
}

/** How many times as long the product takes: medians by medians, p95s by p95s. */
export function ratioLine(name: string, product: Rounds, reference: Rounds): Line {
  const ratio = (percent: number): Figure =>
    figure("×", quotients(percentiles(product, percent), percentiles(reference, percent)));
  return { name, figures: { median: ratio(50), p95: ratio(95) } };
}

/** @param byRound one value a round */
export function figure(unit: Unit, byRound: readonly number[]): Figure {
  return { ...overRounds(byRound), unit };
}

export function latency(rounds: Rounds, percent: number): Figure {
  return figure("ms", percentiles(rounds, percent));
}

/** The figure must stay below (or, for a ratio, at most reach) the limit. */
export function atMost(
  level: Target["level"],
  limit: number,
  text: string,
  measured: Figure | undefined,
): Target {
  return target(level, text, measured, (value) => value <= limit);
}

export function atLeast(
  level: Target["level"],
  limit: number,
  text: string,
  measured: Figure | undefined,
): Target {
  return target(level, text, measured, (value) => value >= limit);
}

function target(
  level: Target["level"],
  text: string,
  measured: Figure | undefined,
  isMet: (value: number) => boolean,
): Target {
  if (measured === undefined) throw new Error(`nothing was measured for the target '${text}'`);
  return { level, text, actual: showValue(measured.value, measured.unit), met: isMet(measured.value) };
}

function percentiles(rounds: Rounds, percent: number): number[] {
  return rounds.map((samples) => percentile(samples, percent));
}

/** Three digits that mean something, in words that a table can hold. */
export function showValue(value: number, unit: Unit): string {
  if (unit === "/s") return `${Math.round(value).toLocaleString("en-US")} /s`;
  if (unit === "requests") return `${Math.round(value).toLocaleString("en-US")} requests`;
  if (unit === "%") return `${value.toFixed(1)} %`;
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return `${value.toFixed(unit === "ms" && value < 1 ? 3 : digits)} ${unit}`;
}
