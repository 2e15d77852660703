import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { assignTimestamps } from "../../client-lib/import/assign-timestamps.ts";
import { findHistoryFiles } from "../../client-lib/import/find-history.ts";
import { withImportIds } from "../../client-lib/import/import-id.ts";
import { parseShellHistory } from "../../client-lib/import/parse-shell-history.ts";
import { detectShell } from "../../client-lib/import/shell-history.ts";
import { packageRoot } from "../../client-lib/package-root.ts";
import type { NewEntry } from "../../client-lib/protocol/entry.ts";

/** A year of work fits; more would make the demo slower without showing more. */
const NEWEST = 5000;

/** Commands to record, and where they are from. */
export interface OwnHistory {
  source: string;
  entries: NewEntry[];
  skipped: number;
}

/** The person's own shell history, read and never written; sample commands where there is none. */
export async function readOwnHistory(env: NodeJS.ProcessEnv, machineId: string): Promise<OwnHistory> {
  const places = { histfile: env.HISTFILE, home: env.HOME, xdgDataHome: env.XDG_DATA_HOME };
  for (const file of await findHistoryFiles(places)) {
    const data = await readFile(file.path);
    const shell = file.shell ?? detectShell(file.path, data);
    const { commands, skipped } = parseShellHistory(shell, data);
    if (commands.length === 0) continue;
    const identified = withImportIds(commands, { machineId, shell });
    const entries = assignTimestamps(identified, file.modifiedMs)
      .slice(-NEWEST)
      .map(({ id, command, timestamp, durationMs }) => ({
        id,
        command,
        timestamp: Math.max(0, timestamp),
        duration_ms: durationMs,
        shell,
      }));
    return { source: file.path, entries, skipped: skipped.length };
  }
  const text = await readFile(join(packageRoot, "test/demo/sample-commands.txt"), "utf8");
  const commands = text.split("\n").filter((line) => line !== "");
  const now = Date.now();
  const entries = commands.map((command, index) => ({
    command,
    timestamp: now - (commands.length - index) * 60_000,
  }));
  return { source: "the samples of historyd (no history found here)", entries, skipped: 0 };
}
