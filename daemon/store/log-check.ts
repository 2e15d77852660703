import { closeSync, openSync, readSync, statSync } from "node:fs";
import { StorageError } from "./database.ts";

/** Bytes of a write-ahead log before its first frame; https://www.sqlite.org/fileformat2.html#the_write_ahead_log */
const HEADER_BYTES = 32;

/**
 * Checks that SQLite will take the write-ahead log for what it is. Without its database, or with a header that does not
 * add up, SQLite takes a log for an old one and overwrites it; what was acknowledged may be nowhere else.
 * @throws StorageError `HD_DAMAGED`; nothing was changed
 */
export function checkLog(file: string): void {
  const log = `${file}-wal`;
  const size = sizeOf(log);
  // A header alone holds nothing.
  if (size <= HEADER_BYTES) return;
  if (sizeOf(file) === 0)
    throw damaged(`${file} is missing or empty, and its log ${log} holds ${size} bytes`, file);
  const header = readHeader(log);
  // A crash before the first write can leave a file that was only made longer.
  if (header.every((byte) => byte === 0)) return;
  if (!isWhole(header)) throw damaged(`the header of ${log} is damaged`, file);
}

function damaged(what: string, file: string): StorageError {
  return new StorageError(
    "HD_DAMAGED",
    `${what}: entries in it would be lost by going on. Put ${file} back as it was, or move both files away and start ` +
      "again: what the remote has is pulled anew, and the rest stays in the files that were moved",
  );
}

function readHeader(log: string): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  const fd = openSync(log, "r");
  try {
    readSync(fd, header, 0, HEADER_BYTES, 0);
    return header;
  } finally {
    closeSync(fd);
  }
}

/** Whether it begins as a log does and its checksum is right. The last bit of the first word tells the byte order. */
function isWhole(header: Buffer): boolean {
  const magic = header.readUInt32BE(0);
  if ((magic & ~1) >>> 0 !== 0x377f0682) return false;
  const word = (at: number): number =>
    (magic & 1) === 1 ? header.readUInt32BE(at) : header.readUInt32LE(at);
  let [first, second] = [0, 0];
  for (let at = 0; at < 24; at += 8) {
    first = (first + word(at) + second) >>> 0;
    second = (second + word(at + 4) + first) >>> 0;
  }
  return header.readUInt32BE(24) === first && header.readUInt32BE(28) === second;
}

function sizeOf(file: string): number {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat?.isFile() === true ? stat.size : 0;
}
