import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { median, overRounds, percentile, quotients, sums } from "./stats.ts";

const samples = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 50 });

describe("percentile", () => {
  test.each([
    { values: [7], percent: 95, expected: 7 },
    { values: [3, 1, 2], percent: 50, expected: 2 },
    { values: [1, 2, 3, 4], percent: 50, expected: 2.5 },
    { values: [1, 2, 3, 4], percent: 0, expected: 1 },
    { values: [1, 2, 3, 4], percent: 100, expected: 4 },
    { values: Array.from({ length: 101 }, (_, index) => 100 - index), percent: 95, expected: 95 },
  ])("$percent % of $values is $expected", ({ values, percent, expected }) => {
    expect(percentile(values, percent)).toBeCloseTo(expected, 10);
  });

  test("lies among the values, grows with the percentage, and leaves its input as it was", () => {
    const percent = fc.integer({ min: 0, max: 100 });
    fc.assert(
      fc.property(samples, percent, percent, (values, one, other) => {
        const before = [...values];
        const low = percentile(values, Math.min(one, other));
        const high = percentile(values, Math.max(one, other));
        expect(values).toEqual(before);
        expect(low).toBeGreaterThanOrEqual(Math.min(...values));
        expect(high).toBeLessThanOrEqual(Math.max(...values));
        // Interpolating between equal neighbours may be off by the last bit.
        expect(high - low).toBeGreaterThanOrEqual(-1e-9);
      }),
    );
  });

  test("refuses to make a figure out of nothing", () => {
    expect(() => percentile([], 50)).toThrow(RangeError);
    expect(() => median([])).toThrow(RangeError);
    expect(() => percentile([1], 101)).toThrow("got 101");
    expect(() => percentile([1], Number.NaN)).toThrow(RangeError);
  });
});

test("overRounds keeps the median and the extremes", () => {
  expect(overRounds([5, 1, 100, 4, 3])).toEqual({ value: 4, min: 1, max: 100 });
});

test("quotients are taken round by round", () => {
  expect(quotients([2, 30], [1, 10])).toEqual([2, 3]);
  expect(() => quotients([1], [1, 2])).toThrow("got 1 and 2");
});

test("sums pair the samples as far as both go", () => {
  expect(sums([1, 2, 3], [10, 20])).toEqual([11, 22]);
  expect(sums([1], [10, 20])).toEqual([11]);
});
