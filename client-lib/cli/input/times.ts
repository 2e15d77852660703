import { InvalidArgumentError } from "commander";
import { MAX_TIME_MS } from "../../protocol/limits.ts";

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

const AGO = /^(\d{1,9})([smhdw])$/;
const DATE =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,3})\d*)?)?(Z|[+-]\d\d:?\d\d)?)?$/i;
const EPOCH = /^\d{1,15}$/;

/** Whole numbers below this (March 1973) are years or seconds that somebody took for milliseconds; but 0 is 0. */
const MIN_EPOCH_MS = 100_000_000_000;

/**
 * A time as people write it, in milliseconds since the epoch; null where it is none.
 *
 * - `2026-03-01`, `2026-03-01T09:30`, `2026-03-01 09:30:15.250`, with `Z` or `+02:00` at the end; local time without
 * - `30s`, `45m`, `2h`, `3d`, `1w`: so long before `nowMs` (a day is 24 hours); what is before the epoch is the epoch
 * - `now`, `today`, `yesterday`: the last two are local midnights
 * - whole milliseconds since the epoch
 */
export function parseTime(text: string, nowMs: number): number | null {
  const ago = AGO.exec(text);
  if (ago !== null) return Math.max(0, nowMs - Number(ago[1]) * UNIT_MS[ago[2] as keyof typeof UNIT_MS]);
  if (EPOCH.test(text)) {
    const value = Number(text);
    return value === 0 || (value >= MIN_EPOCH_MS && value <= MAX_TIME_MS) ? value : null;
  }
  if (text === "now") return nowMs;
  if (text === "today") return midnight(nowMs, 0);
  if (text === "yesterday") return midnight(nowMs, -1);
  const time = parseDate(text);
  return time !== null && time >= 0 && time <= MAX_TIME_MS ? time : null;
}

/** For an option: throws what commander shows as a usage error. */
export function toTime(now: () => number): (text: string) => number {
  return (text) => {
    const time = parseTime(text.trim(), now());
    if (time !== null) return time;
    throw new InvalidArgumentError(
      "Expected a date (2026-03-01, 2026-03-01T09:30), how long ago (30m, 2h, 3d, 1w), today, yesterday, or milliseconds since the epoch.",
    );
  };
}

function midnight(nowMs: number, days: number): number {
  const now = new Date(nowMs);
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days).getTime();
}

function parseDate(text: string): number | null {
  const match = DATE.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
  const parts = [year!, month! - 1, day!, hour!, minute!, second!] as const;
  // Date.UTC takes the 31st of February for a day in March.
  const utc = new Date(Date.UTC(...parts));
  const read = [
    utc.getUTCFullYear(),
    utc.getUTCMonth(),
    utc.getUTCDate(),
    utc.getUTCHours(),
    utc.getUTCMinutes(),
    utc.getUTCSeconds(),
  ];
  if (parts.some((part, index) => part !== read[index])) return null;
  const milliseconds = Number((match[7] ?? "").padEnd(3, "0"));
  const zone = match[8];
  if (zone === undefined) return new Date(...parts).getTime() + milliseconds;
  return utc.getTime() + milliseconds - offsetMs(zone);
}

function offsetMs(zone: string): number {
  if (zone.toUpperCase() === "Z") return 0;
  const sign = zone.startsWith("-") ? -1 : 1;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return sign * minutes * UNIT_MS.m;
}
