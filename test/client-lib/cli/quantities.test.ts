import { expect, test } from "vitest";
import {
  formatAge,
  formatBytes,
  formatCount,
  formatDuration,
  formatTime,
  formatWhen,
} from "../../../client-lib/cli/output/quantities.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = new Date(2026, 2, 15, 12, 0, 0).getTime();

test.for([
  [0, "0 ms"],
  [999, "999 ms"],
  [1250, "1.2 s"],
  [12_999, "12 s"],
  [59_999, "59 s"],
  [5 * MINUTE + 59_000, "5 min"],
  [2 * HOUR, "2 h"],
  [2 * HOUR + 5 * MINUTE, "2 h 5 min"],
  [3 * DAY + 4 * HOUR, "3 d 4 h"],
] as const)("%i ms last %s", ([ms, text]) => {
  expect(formatDuration(ms)).toBe(text);
});

test.for([
  [0, "now", "now"],
  [-500, "now", "now"],
  [45 * SECOND, "45s", "45 s ago"],
  [12 * MINUTE, "12m", "12 min ago"],
  [3 * HOUR, "3h", "3 h ago"],
  [6 * DAY + 2 * HOUR, "6d", "6 d 2 h ago"],
  [40 * DAY, "2026-02-03", "on 2026-02-03 12:00:00"],
  [-18 * SECOND, "now", "in 18 s"],
  [-2 * DAY, "2026-03-17", "in 2 d"],
] as const)("%i ms ago is %s, %s", ([age, short, long]) => {
  // Local midnights are what dates are about: far from a clock change.
  expect(formatAge(NOW - age, NOW)).toBe(short);
  expect(formatWhen(NOW - age, NOW)).toBe(long);
});

test("local time", () => {
  expect(formatTime(new Date(2026, 0, 2, 3, 4, 5).getTime())).toBe("2026-01-02 03:04:05");
});

test.for([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1 kB"],
  [12_345_678, "12.3 MB"],
  [123_456_789, "123 MB"],
  [2e15, "2000 TB"],
] as const)("%i bytes are %s", ([bytes, text]) => {
  expect(formatBytes(bytes)).toBe(text);
});

test("counts", () => {
  expect(formatCount(1, "entry", "entries")).toBe("1 entry");
  expect(formatCount(12_345, "entry", "entries")).toBe("12,345 entries");
});
