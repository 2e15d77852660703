import { isUtf8 } from "node:buffer";
import { collect } from "./collect.ts";
import { historyLines, secondsToTimestamp } from "./lines.ts";
import type { ImportReport } from "./shell-history.ts";

const META = 0x83;
const META_FLIP = 32;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const NEWLINE = Buffer.from("\n");

/**
 * Reads a zsh history file, with or without EXTENDED_HISTORY (`: <start>:<elapsed>;command`, both in seconds).
 *
 * Follows `readhistline` and `readhistfile` in zsh's Src/hist.c: a backslash at the end of a line stands for
 * a newline inside the command; a space that zsh put after a final backslash goes; `\:` at the beginning of a
 * command without a time is `:`; a second number that is not smaller than the first is the time of the end,
 * as old versions wrote it. Unlike zsh, a line that merely starts with `:` is kept whole.
 *
 * An elapsed time of 0 becomes null: with INC_APPEND_HISTORY and SHARE_HISTORY zsh writes 0 because the command
 * has only begun, so 0 does not tell how long it ran.
 *
 * @param data the whole file, as zsh wrote it (metafied bytes are undone here)
 * @returns never throws: what cannot be taken is in `skipped`
 */
export function parseZshHistory(data: Buffer): ImportReport {
  const report: ImportReport = { commands: [], skipped: [] };
  for (const { bytes, line } of joinContinuations(data)) {
    const text = decode(stripGuardSpace(bytes));
    const header = /^: *(\d+):(-?\d+);/.exec(text);
    if (header === null) {
      const command = text.startsWith("\\:") ? text.slice(1) : text;
      collect(report, { command, timestamp: null, durationMs: null, line });
    } else {
      const [all, start = "", elapsed = ""] = header;
      const timestamp = secondsToTimestamp(start);
      collect(report, {
        command: text.slice(all.length),
        timestamp,
        durationMs: durationMs(start, elapsed),
        line,
      });
    }
  }
  return report;
}

/**
 * Undoes zsh's metafication: in memory and in its history file zsh writes some bytes (NUL and 0x83–0xa2, which
 * many UTF-8 characters contain) as 0x83 followed by the byte with bit 5 flipped (`unmetafy` in Src/utils.c).
 */
export function unmetafy(bytes: Buffer): Buffer {
  if (!bytes.includes(META)) return bytes;
  const plain = Buffer.alloc(bytes.length);
  let length = 0;
  let afterMeta = false;
  for (const byte of bytes) {
    if (!afterMeta && byte === META) {
      afterMeta = true;
    } else {
      length = plain.writeUInt8(afterMeta ? byte ^ META_FLIP : byte, length);
      afterMeta = false;
    }
  }
  if (afterMeta) length = plain.writeUInt8(META, length);
  return plain.subarray(0, length);
}

function* joinContinuations(data: Buffer): Generator<{ bytes: Buffer; line: number }> {
  let parts: Buffer[] = [];
  let firstLine = 1;
  for (const { bytes, line } of historyLines(data)) {
    if (parts.length === 0) firstLine = line;
    if (bytes.at(-1) === BACKSLASH) {
      parts.push(bytes.subarray(0, -1), NEWLINE);
    } else {
      yield { bytes: Buffer.concat([...parts, bytes]), line: firstLine };
      parts = [];
    }
  }
  // The file was cut inside a command: what is there is worth keeping, without the newline that leads nowhere.
  if (parts.length > 0) yield { bytes: Buffer.concat(parts.slice(0, -1)), line: firstLine };
}

/** zsh writes a space after a command that ends in a backslash, lest the line look continued. */
function stripGuardSpace(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === SPACE) end -= 1;
  return end < bytes.length && bytes[end - 1] === BACKSLASH ? bytes.subarray(0, -1) : bytes;
}

function decode(bytes: Buffer): string {
  const plain = unmetafy(bytes);
  // Lines that another program added are not metafied, and undoing it would break an `Ã` (0xc3 0x83).
  return (!isUtf8(plain) && isUtf8(bytes) ? bytes : plain).toString("utf8");
}

function durationMs(start: string, elapsed: string): number | null {
  const seconds = Number(elapsed) >= Number(start) ? Number(elapsed) - Number(start) : Number(elapsed);
  return seconds > 0 && Number.isSafeInteger(seconds * 1000) ? seconds * 1000 : null;
}
