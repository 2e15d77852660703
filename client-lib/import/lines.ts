/** One line of a history file, as bytes: only a shell's own rules say how to decode them. */
type HistoryLine = { bytes: Buffer; line: number };

/** The largest time a UUIDv7 holds (RFC 9562, section 5.7), in milliseconds since the epoch. */
export const MAX_TIMESTAMP_MS = 2 ** 48 - 1;

const LF = 0x0a;
const CR = 0x0d;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Splits a history file into lines, numbered from 1. A carriage return before the newline goes (bash does the
 * same: the file passed through Windows), and so does a byte order mark. A last line without a newline
 * counts, though bash and fish ignore it: files that were edited by hand often end so.
 */
export function* historyLines(data: Buffer): Generator<HistoryLine> {
  let start = data.subarray(0, BOM.length).equals(BOM) ? BOM.length : 0;
  for (let line = 1; start < data.length; line += 1) {
    const newline = data.indexOf(LF, start);
    const next = newline === -1 ? data.length : newline;
    const end = next > start && data[next - 1] === CR ? next - 1 : next;
    yield { bytes: data.subarray(start, end), line };
    start = next + 1;
  }
}

/**
 * Reads the seconds a shell wrote as its time.
 *
 * @returns milliseconds since the epoch; null for what is not a whole number, for 0 (zsh and fish mean "not
 * known" by it) and for times that no UUIDv7 can hold
 */
export function secondsToTimestamp(digits: string): number | null {
  if (!/^\d+$/.test(digits)) return null;
  const timestamp = Number(digits) * 1000;
  return timestamp > 0 && timestamp <= MAX_TIMESTAMP_MS ? timestamp : null;
}
