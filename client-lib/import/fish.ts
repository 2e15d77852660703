import { collect } from "./collect.ts";
import { historyLines, secondsToTimestamp } from "./lines.ts";
import type { ImportedCommand, ImportReport } from "./shell-history.ts";

const NOT_AN_ENTRY = "not a line of a fish history entry; the file is damaged here";

/**
 * Reads a fish history file, which is nearly YAML:
 *
 * ```
 * - cmd: string join \\n $list
 *   when: 1700000000
 *   paths:
 *     - /etc/hosts
 * ```
 *
 * Only two escapes exist, `\\` for a backslash and `\n` for a newline; nothing is ever quoted, so a YAML parser
 * would get it wrong. Follows `offset_of_next_item_fish_2_0` and `decode_item_fish_2_0` in fish's
 * src/history/yaml_backend.rs, including the traces that fish 1 left (`- cmd: - cmd: …`). Unlike fish, an
 * unknown escape is kept as it stands instead of ending the command there. `paths` is not read: it says
 * which arguments were files, not where the command ran.
 *
 * @param data the whole file
 * @returns never throws: what cannot be taken is in `skipped`
 */
export function parseFishHistory(data: Buffer): ImportReport {
  const report: ImportReport = { commands: [], skipped: [] };
  let open: ImportedCommand | null = null;
  let inDamage = false;

  for (const { bytes, line } of historyLines(data)) {
    const text = bytes.toString("utf8");
    if (text.startsWith(" ") && open !== null) {
      const when = /^ +when:\s*(\d+)\s*$/.exec(text)?.[1];
      if (when !== undefined) open.timestamp = secondsToTimestamp(when);
      // Below: the inner lines of an entry that was already reported as damaged say nothing new.
    } else if (text !== "" && !isYamlMarker(text) && !(text.startsWith(" ") && inDamage)) {
      if (open !== null) collect(report, open);
      const command = commandOf(text);
      open = command === null ? null : { command, timestamp: null, durationMs: null, line };
      inDamage = command === null;
      if (inDamage) report.skipped.push({ line, reason: NOT_AN_ENTRY });
    }
  }
  if (open !== null) collect(report, open);
  return report;
}

/** A few lines of real YAML may stand around the entries; fish passes over them too. */
function isYamlMarker(text: string): boolean {
  return text.startsWith("%") || text.startsWith("---") || text.startsWith("...");
}

function commandOf(text: string): string | null {
  // Fish 1, rewriting a file of fish 2, prefixed what it did not understand with another "- cmd: ".
  const entry = text.replace(/^(?:- cmd: )+(?=- cmd: )/, "");
  if (!entry.startsWith("- cmd:") || entry.startsWith("- cmd:    when:")) return null;
  return unescapeValue(entry.slice("- cmd:".length).replace(/^[ \t\f\r]+/, ""));
}

function unescapeValue(value: string): string {
  return value.replace(/\\([\\n])/g, (_all, escaped: string) => (escaped === "n" ? "\n" : "\\"));
}
