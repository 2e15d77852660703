import type { Position } from "../store/history-reads.ts";
import { ApiError } from "./errors.ts";

/** Positions in one kind of list as clients pass them: opaque, and refused by every other list. */
export interface Cursor {
  format(position: Position | null): string | null;
  /** @throws ApiError `HD_BAD_CURSOR` for what this list did not give */
  parse(cursor: string | undefined): Position | null;
}

/** @param list names the list: letters and digits */
export function createCursor(list: string): Cursor {
  const pattern = new RegExp(`^${list}\\.(-?\\d{1,19})\\.(\\d{1,19})$`);
  const write = ({ timestamp, seq }: Position): string =>
    Buffer.from(`${list}.${timestamp}.${seq}`).toString("base64url");
  return {
    format: (position) => (position === null ? null : write(position)),
    parse(cursor) {
      if (cursor === undefined) return null;
      const match = pattern.exec(Buffer.from(cursor, "base64url").toString("latin1"));
      const position = { timestamp: Number(match?.[1]), seq: Number(match?.[2]) };
      // Decoding is lenient: only what is written as we write it is ours.
      if (write(position) === cursor) return position;
      throw new ApiError(
        400,
        "HD_BAD_CURSOR",
        "query.cursor: expected the next_cursor of an earlier page, got something else",
      );
    },
  };
}
