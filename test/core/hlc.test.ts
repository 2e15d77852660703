import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createHybridClock,
  hlcToMs,
  hlcToNode,
  isHlc,
  MAX_CLOCK_AHEAD_MS,
  toNode,
} from "../../daemon/core/hlc.ts";
import { stamp } from "../support/store.ts";

const NODE = "aaaaaaaaaaaa";
/** Any reading of a physical clock, wrong ones included. */
const reading = fc.oneof(
  fc.nat(100),
  fc.integer({ min: -10, max: 2 ** 45 }),
  fc.double({ min: 0, max: 1e13 }),
);

test("stamps grow under any physical clock, also one that goes back", () => {
  fc.assert(
    fc.property(fc.array(reading, { minLength: 2 }), (readings) => {
      let now = 0;
      const clock = createHybridClock({ now: () => now, node: NODE });
      const stamps = readings.map((at) => {
        now = at;
        return clock.tick();
      });
      expect(stamps.every(isHlc)).toBe(true);
      expect(stamps).toEqual(stamps.toSorted());
      expect(new Set(stamps).size).toBe(stamps.length);
    }),
  );
});

test("a stamp is never before the physical clock", () => {
  fc.assert(
    fc.property(fc.nat(2 ** 45), fc.nat(2 ** 45), (before, at) => {
      const clock = createHybridClock({ now: () => at, node: NODE, last: stamp(before) });
      expect(hlcToMs(clock.tick())).toBeGreaterThanOrEqual(at);
    }),
  );
});

test("65,537 stamps within one millisecond still grow: the counter carries into the milliseconds", () => {
  const clock = createHybridClock({ now: () => 1000, node: NODE });
  let last = "";
  for (let count = 0; count <= 0x1_0000; count++) {
    const next = clock.tick();
    if (!(next > last)) expect.fail(`${next} does not follow ${last}`);
    last = next;
  }
  expect(last).toBe(stamp(1001, 0));
});

test("what is observed lies before the next stamp", () => {
  const seen = fc.tuple(fc.nat(MAX_CLOCK_AHEAD_MS), fc.nat(0xffff), fc.constantFrom(NODE, "ffffffffffff"));
  fc.assert(
    fc.property(fc.array(seen, { minLength: 1 }), (all) => {
      const clock = createHybridClock({ now: () => 0, node: NODE });
      let last = clock.tick();
      for (const [ms, counter, node] of all) {
        const other = stamp(ms, counter, node);
        clock.observe(other);
        const next = clock.tick();
        expect(next > other && next > last).toBe(true);
        last = next;
      }
    }),
  );
});

test("a stamp further in the future than a day, or none at all, is not followed", () => {
  const now = 1_700_000_000_000;
  const clock = createHybridClock({ now: () => now, node: NODE });
  clock.observe(stamp(now + MAX_CLOCK_AHEAD_MS + 1));
  clock.observe("ffffffffffff-ffff-ffffffffffff");
  for (const text of ["", "tomorrow", "zzzzzzzzzzzz-0000-aaaaaaaaaaaa", `${stamp(now)}\n`])
    clock.observe(text);
  expect(clock.tick()).toBe(stamp(now));
  clock.observe(stamp(now + MAX_CLOCK_AHEAD_MS));
  expect(clock.tick()).toBe(stamp(now + MAX_CLOCK_AHEAD_MS, 1));
});

test("the order of the text is the order of time, then of the counter, then of the node", () => {
  const part = fc.tuple(
    fc.nat(2 ** 47),
    fc.nat(0xffff),
    fc.constantFrom("0".repeat(12), NODE, "f".repeat(12)),
  );
  fc.assert(
    fc.property(part, part, ([ms, counter, node], [ms2, counter2, node2]) => {
      const order = ms - ms2 || counter - counter2 || (node === node2 ? 0 : node < node2 ? -1 : 1);
      const [a, b] = [stamp(ms, counter, node), stamp(ms2, counter2, node2)];
      expect(a === b ? 0 : a < b ? -1 : 1).toBe(Math.sign(order));
    }),
  );
});

test("a restarted clock goes on from what was kept of it", () => {
  fc.assert(
    fc.property(fc.array(reading, { minLength: 1 }), reading, (readings, afterwards) => {
      let now = 0;
      const first = createHybridClock({ now: () => now, node: NODE });
      for (const at of readings) {
        now = at;
        first.tick();
      }
      const second = createHybridClock({ now: () => afterwards, node: NODE, last: first.last() });
      expect(second.last()).toBe(first.last());
      expect(second.tick() > first.last()).toBe(true);
    }),
  );
});

describe("the parts of a stamp", () => {
  test("are read back", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 47), fc.nat(0xffff), (ms, counter) => {
        const text = stamp(ms, counter, NODE);
        expect([isHlc(text), hlcToMs(text), hlcToNode(text)]).toEqual([true, ms, NODE]);
      }),
    );
  });

  test("name the machine and its incarnation: a clone is another node", () => {
    expect(toNode("m", "1")).toMatch(/^[0-9a-f]{12}$/);
    expect(toNode("m", "1")).toBe(toNode("m", "1"));
    expect(toNode("m", "2")).not.toBe(toNode("m", "1"));
    expect(toNode("m\n1", "")).not.toBe(toNode("m", "1"));
  });
});
