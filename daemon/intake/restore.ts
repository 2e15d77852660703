import { RESTORE_WINDOW_MS } from "../../client-lib/protocol/limits.ts";
import type { Stored } from "../store/records.ts";
import { RecorderError } from "./recorder-error.ts";

/** @throws RecorderError `HD_RESTORE_EXPIRED` for what was deleted longer ago than the window */
export function checkRestorable({ version: { id, fields } }: Stored, nowMs: number): void {
  const deletedAt = (fields.deleted_at ?? null) as number | null;
  if (deletedAt === null || nowMs - deletedAt <= RESTORE_WINDOW_MS) return;
  throw new RecorderError(
    "HD_RESTORE_EXPIRED",
    `entry ${id} was deleted on ${new Date(deletedAt).toISOString()}; deleted entries can be restored for ${RESTORE_WINDOW_MS / 86_400_000} days`,
  );
}
