import type { Entry } from "../../protocol/entry.ts";
import type { Output } from "../context.ts";
import { toWho } from "./entries.ts";
import { renderFacts } from "./facts.ts";
import { formatDuration, formatTime, formatWhen } from "./quantities.ts";
import { createStyle, type Style } from "./style.ts";
import { escapeControls, escapeLines } from "./escape.ts";

/** Everything known of an entry; what is not known is left out. */
export function renderEntry(entry: Entry, out: Output, nowMs: number): string {
  const style = createStyle(out.color);
  const when = (timeMs: number): string => `${formatTime(timeMs)} (${formatWhen(timeMs, nowMs)})`;
  const changed = entry.updated_at !== entry.created_at;
  const facts = renderFacts(
    [
      [entry.kind, style.bold(escapeLines(entry.command)).split("\n")],
      ["exit", toExit(entry, style)],
      ["when", when(entry.timestamp)],
      ["who", escapeControls(toWho(entry)) || null],
      ["where", safe([entry.cwd, entry.shell].filter((part) => part !== null).join(", ") || null)],
      ["session", safe(entry.session_id)],
      ["tags", safe(entry.tags.join(", ") || null)],
      ["note", entry.note === null ? null : escapeLines(entry.note)],
      ["pinned", entry.pinned ? "yes" : null],
      ["tokens", entry.tokens_used === null ? null : entry.tokens_used.toLocaleString("en-US")],
      ["context", Object.keys(entry.context).length === 0 ? null : safe(JSON.stringify(entry.context))],
      ["cause", entry.caused_by],
      ["scope", entry.scope],
      ["machine", safe(entry.machine_id)],
      ["id", entry.id],
      ["sync", entry.rev === null ? entry.sync : `${entry.sync}, revision ${entry.rev}`],
      ["changed", changed ? `${when(entry.updated_at)} on ${escapeControls(entry.last_editor)}` : null],
      ["deleted", entry.deleted_at === null ? null : style.red(when(entry.deleted_at))],
    ],
    style,
  );
  return entry.response === null ? facts : `${facts}\n${escapeLines(entry.response).trimEnd()}\n`;
}

function toExit({ exit_code: code, duration_ms: ms }: Entry, style: Style): string | null {
  const took = ms === null ? [] : [`took ${formatDuration(ms)}`];
  const exit = code === null ? [] : [code === 0 ? style.green("0") : style.red(String(code))];
  return [...exit, ...took].join(", ") || null;
}

function safe(text: string | null): string | null {
  return text === null ? null : escapeControls(text);
}
