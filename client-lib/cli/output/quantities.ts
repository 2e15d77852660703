const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** After this a date says more than a number of days. */
const MAX_AGE_MS = 30 * DAY_MS;

/** How long something took or lasts, to one or two units: `350 ms`, `12 s`, `2 h 5 min`. */
export function formatDuration(ms: number): string {
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`;
  if (ms < 10 * SECOND_MS) return `${Math.floor(ms / 100) / 10} s`;
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  const units =
    ms < DAY_MS ? (["h", HOUR_MS, "min", MINUTE_MS] as const) : (["d", DAY_MS, "h", HOUR_MS] as const);
  const [large, largeMs, small, smallMs] = units;
  const rest = Math.floor((ms % largeMs) / smallMs);
  return `${Math.floor(ms / largeMs)} ${large}${rest === 0 ? "" : ` ${rest} ${small}`}`;
}

/** A time for a column: `now`, `45s`, `12m`, `3h`, `6d`, and the local date of what is older or still to come. */
export function formatAge(timeMs: number, nowMs: number): string {
  const age = nowMs - timeMs;
  if (age < -MINUTE_MS || age >= MAX_AGE_MS) return formatTime(timeMs).slice(0, 10);
  if (age < SECOND_MS) return "now";
  if (age < MINUTE_MS) return `${Math.floor(age / SECOND_MS)}s`;
  if (age < HOUR_MS) return `${Math.floor(age / MINUTE_MS)}m`;
  if (age < DAY_MS) return `${Math.floor(age / HOUR_MS)}h`;
  return `${Math.floor(age / DAY_MS)}d`;
}

/** A time in a sentence: `12 s ago`, `in 18 s`, or the local date and time of what is far away. */
export function formatWhen(timeMs: number, nowMs: number): string {
  const distance = Math.abs(nowMs - timeMs);
  if (distance >= MAX_AGE_MS) return `on ${formatTime(timeMs)}`;
  if (distance < SECOND_MS) return "now";
  // A tenth of a second is too much to say of when something was.
  const words = formatDuration(Math.floor(distance / SECOND_MS) * SECOND_MS);
  return timeMs <= nowMs ? `${words} ago` : `in ${words}`;
}

/** Local time as `2026-03-01 09:30:15`. */
export function formatTime(timeMs: number): string {
  const time = new Date(timeMs);
  const two = (value: number): string => String(value).padStart(2, "0");
  const date = `${String(time.getFullYear()).padStart(4, "0")}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${date} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

/** Decimal units, as disks are sold: `0 B`, `12.3 MB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : Math.floor(value * 10) / 10} ${units[power]}`;
}

/** `1 entry`, `12,345 entries`. */
export function formatCount(count: number, one: string, many: string): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
}
