import { createHash } from "node:crypto";
import { MAX_TIMESTAMP_MS } from "./lines.ts";
import type { ImportedCommand, ShellKind } from "./shell-history.ts";

/** Where a history file comes from; part of every id made for it. */
export type ImportOrigin = { machineId: string; shell: ShellKind };

/** What makes an imported command itself and no other. */
export type ImportIdentity = ImportOrigin & {
  command: string;
  /** Milliseconds since the epoch as the file has it; null where it has none (never a guess). */
  timestamp: number | null;
  /** How many commands before it in the file have the same text and the same timestamp. */
  ordinal: number;
};

/**
 * The id of an imported command: always the same for the same identity, so that importing a file again adds
 * nothing. A UUID version 7 (RFC 9562, section 5.7) whose random bits come from a hash:
 *
 * | bits  | field      | content                                                 |
 * |-------|------------|---------------------------------------------------------|
 * | 48    | unix_ts_ms | `timestamp`; 0 where it is null                         |
 * | 4     | ver        | 7                                                       |
 * | 12    | rand_a     | SHA-256 of the identity, bits 4–15                      |
 * | 2     | var        | binary 10                                               |
 * | 62    | rand_b     | SHA-256 of the identity, bits 18–79                     |
 *
 * The identity is hashed as a JSON array, where no two different identities look alike.
 *
 * Why 0 for an unknown time: a guess depends on the file's modification time, which the next command
 * changes, and with it every id. No real command ran in 1970, so 0 cannot be taken for a time either.
 *
 * @throws RangeError if `timestamp` is not a whole number of 0 to 2^48 − 1
 */
export function importId({ machineId, shell, command, timestamp, ordinal }: ImportIdentity): string {
  const unixTsMs = timestamp ?? 0;
  if (!Number.isInteger(unixTsMs) || unixTsMs < 0 || unixTsMs > MAX_TIMESTAMP_MS) {
    throw new RangeError(
      `timestamp: expected a whole number from 0 to ${MAX_TIMESTAMP_MS}, got ${timestamp}`,
    );
  }
  const identity = JSON.stringify(["historyd-import", 1, machineId, shell, timestamp, command, ordinal]);
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(unixTsMs, 0, 6);
  createHash("sha256").update(identity, "utf8").digest().copy(bytes, 6, 0, 10);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/**
 * Gives each command of one file its id. Call it with what the reader returned, before `assignTimestamps`.
 *
 * @param commands all commands of the file, in the file's order: ordinals are counted from its beginning
 * @throws RangeError as `importId` does
 */
export function withImportIds<T extends ImportedCommand>(
  commands: readonly T[],
  origin: ImportOrigin,
): (T & { id: string })[] {
  const seen = new Map<string, number>();
  return commands.map((item) => {
    const key = `${item.timestamp} ${item.command}`;
    const ordinal = seen.get(key) ?? 0;
    seen.set(key, ordinal + 1);
    const { command, timestamp } = item;
    return { ...item, id: importId({ ...origin, command, timestamp, ordinal }) };
  });
}
