import * as fc from "fast-check";
import { expect, test } from "vitest";
import { relevance, score, type Source, sourceOf } from "../../daemon/core/rank.ts";

const DAY = 24 * 60 * 60 * 1000;
const sources: Source[] = ["global", "user", "machine"];

test("source weighs user .5, global .3, machine .2", () => {
  const [global, user, machine] = sources.map((source) => score(0, source, 0) - 1);
  expect(global).toBeCloseTo(0.3);
  expect(user).toBeCloseTo(0.5);
  expect(machine).toBeCloseTo(0.2);
});

test.each([
  [-DAY, 1],
  [0, 1],
  [DAY - 1, 1],
  [DAY, 0.8],
  [7 * DAY - 1, 0.8],
  [7 * DAY, 0.6],
  [30 * DAY - 1, 0.6],
  [30 * DAY, 0.4],
  [90 * DAY - 1, 0.4],
  [90 * DAY, 0.2],
  [Number.MAX_SAFE_INTEGER, 0.2],
])("an age of %i ms weighs %f", (age, weight) => {
  expect(score(0, "global", age) - 0.3).toBeCloseTo(weight);
});

test("better in one respect and no worse in the others never scores less", () => {
  const age = fc.integer({ min: -DAY, max: 400 * DAY });
  const text = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(text, text, age, age, fc.constantFrom(...sources), (a, b, young, old, source) => {
      if (a < b || young > old) return;
      expect(score(a, source, young)).toBeGreaterThanOrEqual(score(b, source, old));
    }),
  );
});

test("relevance is 1 for the best match, falls to 0, and keeps the order", () => {
  const bm25 = fc.double({ min: -1e6, max: 0, noNaN: true });
  fc.assert(
    fc.property(fc.array(bm25, { minLength: 1 }), (all) => {
      const best = Math.min(...all);
      const found = all.toSorted((a, b) => a - b).map((value) => relevance(value, best));
      expect(found[0]).toBe(best === 0 ? 0 : 1);
      expect(found.every((value) => value >= 0 && value <= 1)).toBe(true);
      expect(found).toEqual(found.toSorted((a, b) => b - a));
    }),
  );
});

test("the nearest lens is the viewer's own entries, then the machine, then everyone", () => {
  const viewer = { machineId: "here", user: "ana" };
  expect(sourceOf({ machine_id: "there", user: "ana" }, viewer)).toBe("user");
  expect(sourceOf({ machine_id: "here", user: "ana" }, viewer)).toBe("user");
  expect(sourceOf({ machine_id: "here", user: "rui" }, viewer)).toBe("machine");
  expect(sourceOf({ machine_id: "there", user: "rui" }, viewer)).toBe("global");
  // No user is nobody's: two machines without one do not share it.
  expect(sourceOf({ machine_id: "there", user: null }, { machineId: "here", user: null })).toBe("global");
});
