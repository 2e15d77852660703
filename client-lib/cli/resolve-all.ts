import { isDeepStrictEqual } from "node:util";
import type { Client } from "../client.ts";
import type { Conflict } from "../protocol/conflict.ts";
import type { Cli, GlobalOptions } from "./context.ts";
import { shortId } from "./input/entry-id.ts";
import { currentValue } from "./input/field-value.ts";
import { renderDecision } from "./output/conflicts.ts";
import { escapeControls, toSafeJson } from "./output/escape.ts";

/**
 * Decides each conflict without asking, and says so in a line each. One that the daemon refuses does not hold up the
 * others.
 * @throws Error at the end, where any was refused
 */
export async function resolveAll(
  cli: Cli,
  { json }: GlobalOptions,
  conflicts: Iterable<Conflict> | AsyncIterable<Conflict>,
  decide: (conflict: Conflict) => Promise<Conflict>,
): Promise<void> {
  const resolved: Conflict[] = [];
  const failed: { id: string; code: string; message: string }[] = [];
  for await (const conflict of conflicts) {
    try {
      const decided = await decide(conflict);
      resolved.push(decided);
      if (!json) cli.out.write(renderDecision(decided, cli.out.width));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const { code, message } = error;
      failed.push({ id: conflict.id, code, message });
      cli.err.write(`historyctl: conflict ${shortId(conflict.id)}: ${escapeControls(message)}\n`);
    }
  }
  if (json) cli.out.write(`${toSafeJson({ resolved, failed })}\n`);
  else if (resolved.length + failed.length === 0) cli.out.write("no open conflicts\n");
  if (failed.length > 0) {
    throw new Error(`${failed.length} of ${resolved.length + failed.length} conflicts could not be resolved`);
  }
}

/** What the daemon says to this conflict; not so when it is away. */
function isRefusal(error: unknown): error is Error & { code: string } {
  return error instanceof Error && error.name === "ApiError";
}

/**
 * The last write wins: the stored winner, or what the field got since. The winner alone would undo later edits, and of
 * two conflicts about one field the older one's winner is the younger one's loser.
 */
export async function takeLastWrite(client: Client, conflict: Conflict): Promise<Conflict> {
  const { id, winner, omitted, record_summary: summary, current_value: current } = conflict;
  const isOmitted = omitted.includes(`${winner}_value`);
  const isCurrent = isOmitted || isDeepStrictEqual(current, conflict[`${winner}_value`]);
  // Of a record that is not here nothing can be said; the daemon has the words for it.
  if (isCurrent || summary === null) {
    try {
      return await client.resolveConflict(id, { choice: winner });
    } catch (error) {
      if (!isRefusal(error) || error.code !== "HD_OMITTED") throw error;
    }
  }
  return client.resolveConflict(id, { choice: "merge", value: currentValue(conflict) });
}
