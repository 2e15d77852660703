import { collect } from "./collect.ts";
import { historyLines, secondsToTimestamp } from "./lines.ts";
import type { ImportReport } from "./shell-history.ts";

type OpenEntry = { timestamp: number | null; timestampLine: number; firstLine: number; lines: string[] };

/**
 * Reads a bash history file.
 *
 * Bash writes one command a line. With `HISTTIMEFORMAT` set it writes `#<seconds>` before each command, and
 * from bash 5 on these lines delimit commands, so that one command may have several lines ("Bash History
 * Facilities" in the manual; `read_history_range` in lib/readline/histfile.c). Hence: up to the first
 * timestamp each line is a command of its own; after a timestamp, all lines up to the next one are one command.
 *
 * Differences from bash, each to keep what a person typed: only `#` and digits alone are a timestamp, where
 * bash is content with one digit (a comment `#1 restart` stays a comment); timestamps count even when the
 * file's first line has none. Like bash, blank lines between a timestamp and its command are dropped; blank
 * lines after a command are too (bash adds one after a here-document). Bytes that are not UTF-8 become U+FFFD.
 *
 * Lines that a shell without `HISTTIMEFORMAT` appended after timestamped ones cannot be told from the lines
 * of one command; they come out joined, as bash itself would read them.
 *
 * @param data the whole file
 * @returns never throws: what cannot be taken is in `skipped`
 */
export function parseBashHistory(data: Buffer): ImportReport {
  const report: ImportReport = { commands: [], skipped: [] };
  let open: OpenEntry | null = null;

  for (const { bytes, line } of historyLines(data)) {
    const text = bytes.toString("utf8");
    if (/^#\d+$/.test(text)) {
      if (open !== null) close(report, open);
      open = {
        timestamp: secondsToTimestamp(text.slice(1)),
        timestampLine: line,
        firstLine: line + 1,
        lines: [],
      };
    } else if (open === null) {
      collect(report, { command: text, timestamp: null, durationMs: null, line });
    } else if (open.lines.length > 0 || text !== "") {
      if (open.lines.length === 0) open.firstLine = line;
      open.lines.push(text);
    }
  }
  if (open !== null) close(report, open);
  return report;
}

function close(report: ImportReport, { timestamp, timestampLine, firstLine, lines }: OpenEntry): void {
  while (lines.at(-1) === "") lines.pop();
  const command = lines.join("\n");
  if (lines.length === 0)
    report.skipped.push({ line: timestampLine, reason: "a timestamp without a command" });
  else collect(report, { command, timestamp, durationMs: null, line: firstLine });
}
