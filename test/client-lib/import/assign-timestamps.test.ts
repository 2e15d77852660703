import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assignTimestamps } from "../../../client-lib/import/assign-timestamps.ts";

const MODIFIED = 1_700_000_000_000;

function assign(times: (number | null)[], modifiedMs: number): number[] {
  const commands = times.map((timestamp, i) => ({
    command: `c${i}`,
    timestamp,
    durationMs: null,
    line: i + 1,
  }));
  const timed = assignTimestamps(commands, modifiedMs);
  expect(timed.map((c) => c.command)).toEqual(commands.map((c) => c.command));
  return timed.map((c) => c.timestamp);
}

describe("assignTimestamps", () => {
  it.each<[string, (number | null)[], number, number[]]>([
    ["nothing to do", [], MODIFIED, []],
    ["a file without times", [null, null, null], MODIFIED, [MODIFIED - 2000, MODIFIED - 1000, MODIFIED]],
    ["before the first known time", [null, null, 50_000], MODIFIED, [48_000, 49_000, 50_000]],
    ["before a very early time", [null, null, 300], MODIFIED, [100, 200, 300]],
    ["between known times", [1000, null, null, 4000], MODIFIED, [1000, 2000, 3000, 4000]],
    ["after the last known time", [1000, null, null], 5000, [1000, 3000, 5000]],
    ["a fraction in the file's time", [null], 5000.75, [5000]],
    ["a file older than its last command", [9000, null, null], 5000, [9000, 9001, 9002]],
    ["two known times in the same second", [7000, null, null, 7000], MODIFIED, [7000, 7000, 7000, 7000]],
    ["known times out of order", [8000, null, 7000, null], 9000, [8000, 8000, 7000, 9000]],
    ["a file from 1970", [null, null], 0, [1, 2]],
  ])("%s", (_name, times, modifiedMs, expected) => {
    expect(assign(times, modifiedMs)).toEqual(expected);
  });

  it("refuses a modification time that is none", () => {
    expect(() => assign([null], Number.NaN)).toThrow(RangeError);
  });

  it("keeps known times, stays in order and ends at the file's time", () => {
    const known = fc.integer({ min: 1, max: 1_699_999_999 }).map((s) => s * 1000);
    const times = fc
      .uniqueArray(known, { maxLength: 8 })
      .map((list) => list.toSorted((a, b) => a - b))
      .chain((list) =>
        fc
          .array(fc.integer({ min: 0, max: 40 }), { minLength: list.length + 1, maxLength: list.length + 1 })
          .map((gaps) => gaps.flatMap((gap, i) => [...Array<null>(gap).fill(null), ...list.slice(i, i + 1)])),
      );
    fc.assert(
      fc.property(times, (list) => {
        const assigned = assign(list, MODIFIED);
        expect(assigned.every(Number.isInteger)).toBe(true);
        expect(assigned.filter((_time, i) => list[i] !== null)).toEqual(list.filter((time) => time !== null));
        expect(assigned).toEqual([...new Set(assigned)].toSorted((a, b) => a - b));
        expect(assigned.at(-1) ?? null).toBe(list.length === 0 ? null : (list.at(-1) ?? MODIFIED));
      }),
    );
  });

  it("ends exactly at the file's time in a long file with a long gap", () => {
    const assigned = assign([1000, ...Array<null>(99_991).fill(null)], MODIFIED);
    expect(assigned.at(-1)).toBe(MODIFIED);
  });
});
