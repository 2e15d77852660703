import { readSync } from "node:fs";

/** Lines per transaction, and bytes read for them at a time. A longer line is read with a larger buffer. */
const LINES_PER_COMMIT = 200;
const READ_BYTES = 1024 * 1024;
/** The longest line: an entry at its limits, written with JSON's escapes. */
const MAX_LINE_BYTES = 32 * 1024 * 1024;

/** A line of a spool file, without its newline. */
export interface Line {
  text: string;
  /** Why it cannot be an entry, where that is known without reading it. */
  problem?: string;
  /** Offset of its first byte in the file. */
  start: number;
  /** Offset after its newline. */
  end: number;
}

/** Complete lines from an offset on; none when only an unfinished line is left. */
export function readLines(fd: number, from: number): Line[] {
  for (let size = READ_BYTES; ; size *= 4) {
    const buffer = Buffer.alloc(size);
    const bytes = readSync(fd, buffer, 0, size, from);
    const lines: Line[] = [];
    let start = 0;
    for (let end = buffer.indexOf(10); end !== -1 && end < bytes; end = buffer.indexOf(10, start)) {
      lines.push({ text: buffer.toString("utf8", start, end), start: from + start, end: from + end + 1 });
      start = end + 1;
      if (lines.length === LINES_PER_COMMIT) return lines;
    }
    if (lines.length > 0 || bytes < size) return lines;
    if (size >= MAX_LINE_BYTES) return [pieceOfLine(buffer, from)];
  }
}

/** A piece of a line that is longer than any may be. It is refused piece by piece, and what follows it is read. */
function pieceOfLine(buffer: Buffer, start: number): Line {
  let length = buffer.length;
  // Not in the middle of a UTF-8 character: the piece must be kept as it is.
  while (length > 1 && (buffer[length - 1]! & 0xc0) === 0x80) length -= 1;
  length -= 1;
  return {
    text: buffer.toString("utf8", 0, length),
    problem: `its line is longer than ${MAX_LINE_BYTES} bytes`,
    start,
    end: start + length,
  };
}
