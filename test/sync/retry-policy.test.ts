import * as fc from "fast-check";
import { expect, test } from "vitest";
import { backoffMs, type FailureKind } from "../../daemon/sync/retry-policy.ts";

const options = { quickRetries: 3, intervalMs: 30_000 };
const KINDS: Record<FailureKind, number> = {
  unreachable: 60_000,
  busy: 60_000,
  unauthorized: 300_000,
  guard: 300_000,
  rejected: 300_000,
  internal: 60_000,
};

const anyRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test("every wait is a whole number of ms between the floor and the cap of its kind", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...(Object.keys(KINDS) as FailureKind[])),
      fc.integer({ min: 1, max: 10_000 }),
      fc.option(fc.nat({ max: 10 ** 9 })),
      anyRandom,
      (kind, failures, retryAfterMs, random) => {
        const ms = backoffMs(kind, failures, { ...options, retryAfterMs }, random);
        expect(Number.isInteger(ms)).toBe(true);
        expect(ms).toBeGreaterThanOrEqual(failures > 3 ? 15_000 : 100);
        expect(ms).toBeLessThanOrEqual(KINDS[kind]);
      },
    ),
  );
});

test("what the remote asks for is waited for, not by everyone to the same moment, and not beyond the cap", () => {
  const wait = (retryAfterMs: number, random: number): number =>
    backoffMs("busy", 1, { ...options, retryAfterMs }, random);
  expect([wait(20_000, 0), wait(20_000, 0.5)]).toEqual([20_000, 25_000]);
  expect(wait(86_400_000, 0.5)).toBe(60_000);
});
