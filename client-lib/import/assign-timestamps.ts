import type { ImportedCommand } from "./shell-history.ts";

/** The pace of guessed times where nothing before them is known: one command a second. */
const GUESSED_STEP_MS = 1000;

/**
 * Gives every command a time. Known times stay as they are; a stretch of commands without one is spread evenly:
 *
 * - between two known times, strictly between them;
 * - before the first known time, one second apart and all before it;
 * - after the last known time, up to the moment the file was last modified, when the last command was written;
 * - in a file without any time, one second apart, the last one at that moment.
 *
 * Guesses are whole milliseconds and strictly increasing, with two exceptions. Where two known times leave fewer
 * milliseconds than there are commands between them (typically both are the same second), guesses repeat
 * rather than pass the later one, and where that one is not later at all they repeat the earlier one. And
 * where the last known time is not before `fileModifiedMs` (a copied file, a wrong clock), the guesses
 * go on from it by single milliseconds.
 *
 * Pure. Make ids first (`withImportIds`): a guess changes whenever the file does.
 *
 * @param commands in the file's order
 * @param fileModifiedMs the file's modification time, milliseconds since the epoch
 * @throws RangeError if `fileModifiedMs` is not a finite number
 */
export function assignTimestamps<T extends ImportedCommand>(
  commands: readonly T[],
  fileModifiedMs: number,
): (T & { timestamp: number })[] {
  if (!Number.isFinite(fileModifiedMs)) {
    throw new RangeError(`fileModifiedMs: expected milliseconds since the epoch, got ${fileModifiedMs}`);
  }
  const timed: (T & { timestamp: number })[] = [];
  let waiting: T[] = [];
  let known: number | null = null;

  for (const item of commands) {
    if (item.timestamp === null) {
      waiting.push(item);
      continue;
    }
    const { timestamp } = item;
    // One step more than there are commands: none may fall on the known time that follows.
    const steps = waiting.length + 1;
    const from: number = known ?? Math.max(0, timestamp - steps * GUESSED_STEP_MS);
    timed.push(...spread(waiting, from, Math.max(from, timestamp), steps), { ...item, timestamp });
    waiting = [];
    known = timestamp;
  }

  const steps = waiting.length;
  const end = Math.max(Math.floor(fileModifiedMs), (known ?? 0) + steps);
  const from = known ?? Math.max(0, end - steps * GUESSED_STEP_MS);
  timed.push(...spread(waiting, from, end, steps));
  return timed;
}

function spread<T>(
  items: readonly T[],
  from: number,
  to: number,
  steps: number,
): (T & { timestamp: number })[] {
  // Quotient and remainder apart: position × span passes 2^53 in a long file, and the last guess would miss `to`.
  const whole = Math.floor((to - from) / steps);
  const rest = (to - from) % steps;
  return items.map((item, i) => {
    const position = i + 1;
    return { ...item, timestamp: from + position * whole + Math.floor((position * rest) / steps) };
  });
}
