import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseTime } from "../../../client-lib/cli/input/times.ts";
import { formatTime } from "../../../client-lib/cli/output/quantities.ts";
import { MAX_TIME_MS } from "../../../client-lib/protocol/limits.ts";

const NOW = Date.UTC(2026, 2, 15, 12, 0, 0);

test.for([
  ["30s", NOW - 30_000],
  ["45m", NOW - 2_700_000],
  ["2h", NOW - 7_200_000],
  ["3d", NOW - 259_200_000],
  ["1w", NOW - 604_800_000],
  ["0s", NOW],
  ["999999999w", 0],
  ["now", NOW],
  ["0", 0],
  ["1700000000000", 1_700_000_000_000],
  [String(MAX_TIME_MS), MAX_TIME_MS],
  ["2026-03-01T09:30Z", Date.UTC(2026, 2, 1, 9, 30)],
  ["2026-03-01T09:30:15.25Z", Date.UTC(2026, 2, 1, 9, 30, 15, 250)],
  ["2026-03-01 09:30:15.123456z", Date.UTC(2026, 2, 1, 9, 30, 15, 123)],
  ["2026-03-01T09:30:00-03:00", Date.UTC(2026, 2, 1, 12, 30)],
  ["2026-03-01T09:30+0530", Date.UTC(2026, 2, 1, 4, 0)],
  ["1970-01-01T00:00Z", 0],
  ["2024-02-29T00:00Z", Date.UTC(2024, 1, 29)],
  // Without an offset it is the time on the wall here.
  ["2026-03-01", new Date(2026, 2, 1).getTime()],
  ["2026-03-01T09:30", new Date(2026, 2, 1, 9, 30).getTime()],
  ["today", new Date(2026, 2, new Date(NOW).getDate()).getTime()],
  ["yesterday", new Date(2026, 2, new Date(NOW).getDate() - 1).getTime()],
] as const)("%s", ([text, time]) => {
  expect(parseTime(text, NOW)).toBe(time);
});

test.for([
  "",
  " ",
  "2x",
  "h",
  "-1h",
  "1.5h",
  "2h30m",
  "tomorrow",
  "2026",
  "1700000000", // seconds
  "99999999999999999999",
  String(MAX_TIME_MS + 1),
  "2026-13-01",
  "2026-02-30",
  "2026-02-29T00:00Z",
  "2026-03-01T24:00Z",
  "2026-03-01T09:60Z",
  "2026-3-1",
  "01/03/2026",
  "1969-12-31T23:59Z",
  "0000-00-00",
  "2026-03-01T09:30Zz",
  "2026-03-01\n",
])("%j is no time", (text) => {
  expect(parseTime(text, NOW)).toBeNull();
});

const time = fc.integer({ min: 100_000_000_000, max: MAX_TIME_MS });

describe("for every time", () => {
  test("its ISO form, its milliseconds and its local form mean it", () => {
    fc.assert(
      fc.property(time, (ms) => {
        expect(parseTime(new Date(ms).toISOString(), NOW)).toBe(ms);
        expect(parseTime(String(ms), NOW)).toBe(ms);
      }),
    );
  });

  test("an offset moves it", () => {
    fc.assert(
      fc.property(time, fc.integer({ min: -14 * 60, max: 14 * 60 }), (ms, minutes) => {
        const shifted = ms + minutes * 60_000;
        fc.pre(shifted >= 0 && shifted <= MAX_TIME_MS);
        const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
        const size = Math.abs(minutes);
        const offset = `${minutes < 0 ? "-" : "+"}${two(size / 60)}:${two(size % 60)}`;
        expect(parseTime(new Date(shifted).toISOString().replace("Z", offset), NOW)).toBe(ms);
      }),
    );
  });

  test("what is printed can be typed", () => {
    fc.assert(
      fc.property(time, (ms) => {
        const seconds = ms - (ms % 1000);
        // An hour that a clock change repeats has two times with one name.
        const again = parseTime(formatTime(seconds), NOW) ?? 0;
        expect(formatTime(again)).toBe(formatTime(seconds));
      }),
    );
  });
});

test("whatever is typed, the answer is a time of the API or none", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\d:TZ.+ -]{1,30}$/)), (text) => {
      const parsed = parseTime(text, NOW);
      expect(parsed === null || (Number.isInteger(parsed) && parsed >= 0 && parsed <= MAX_TIME_MS)).toBe(
        true,
      );
    }),
  );
});
