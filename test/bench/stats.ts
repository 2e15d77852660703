/** The middle of the values over the rounds, and how far they lay apart. */
export interface Spread {
  readonly value: number;
  readonly min: number;
  readonly max: number;
}

/**
 * The value that `percent` of the values do not exceed, interpolated between its two neighbours.
 * @throws RangeError without values: a figure that nothing was measured for must not look like one
 */
export function percentile(values: readonly number[], percent: number): number {
  if (values.length === 0) throw new RangeError("expected at least one value, got none");
  if (!(percent >= 0 && percent <= 100)) throw new RangeError(`expected 0 to 100 percent, got ${percent}`);
  const sorted = values.toSorted((a, b) => a - b);
  const place = ((sorted.length - 1) * percent) / 100;
  const below = sorted[Math.floor(place)]!;
  const above = sorted[Math.ceil(place)]!;
  return below + (above - below) * (place - Math.floor(place));
}

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/**
 * One figure out of one value a round. The median, so that a round that was disturbed from outside does not move it;
 * the extremes tell that there was one.
 */
export function overRounds(values: readonly number[]): Spread {
  return { value: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * The quotients of two series, round by round. Both sides of a round ran within seconds, so that what slowed the
 * whole machine down for a while cancels.
 */
export function quotients(numerators: readonly number[], denominators: readonly number[]): number[] {
  if (numerators.length !== denominators.length) {
    throw new RangeError(
      `expected as many rounds on both sides, got ${numerators.length} and ${denominators.length}`,
    );
  }
  return numerators.map((numerator, round) => numerator / denominators[round]!);
}

/** The sums of two series of samples, the first of one with the first of the other, as far as both go. */
export function sums(a: readonly number[], b: readonly number[]): number[] {
  return a.slice(0, b.length).map((value, index) => value + b[index]!);
}
