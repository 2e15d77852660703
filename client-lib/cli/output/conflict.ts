import type { Conflict } from "../../protocol/conflict.ts";
import type { Output } from "../context.ts";
import { shortId } from "../input/entry-id.ts";
import { toText, valueText } from "./conflicts.ts";
import { escapeControls, escapeLines } from "./escape.ts";
import { renderFacts } from "./facts.ts";
import { formatWhen } from "./quantities.ts";
import { createStyle, type Style } from "./style.ts";
import { fit, widthOf, wrap } from "./width.ts";

const SIDES = ["local", "remote"] as const;
type Side = (typeof SIDES)[number];

/** Terminals that do not say how wide they are. */
const DEFAULT_WIDTH = 80;
const MAX_LINES = 20;
const BETWEEN = " | ";

/** One conflict with both versions side by side. */
export function renderConflict(conflict: Conflict, out: Output, nowMs: number): string {
  const style = createStyle(out.color);
  const width = out.width ?? DEFAULT_WIDTH;
  const sideWidth = Math.max(1, Math.floor((width - BETWEEN.length) / 2));
  const { field, record_id: recordId, record_summary: summary } = conflict;
  const entry =
    summary === null
      ? "(not on this machine any more)"
      : fit(escapeControls(summary), Math.max(20, width - 20));
  const known: readonly (readonly [string, string | null])[] = [
    ["field", style.bold(escapeControls(field))],
    ["entry", `${style.dim(escapeControls(shortId(recordId)))}  ${entry}`],
    ["before", hasBase(conflict) ? fit(escapeControls(valueText(conflict, "base")), width - 8) : null],
    ["now", nowText(conflict, width)],
  ];
  const sides = SIDES.map((side) => toLines(conflict, side, sideWidth, nowMs, style));
  return `${renderFacts(known, style)}\n${besides(sides[0]!, sides[1]!, sideWidth)}\n`;
}

function hasBase({ base_value: base, omitted }: Conflict): boolean {
  return base !== null || omitted.includes("base_value");
}

/** What the record has, where that is neither of the two. */
function nowText(conflict: Conflict, width: number): string | null {
  const { field, record_summary: summary, current_value: current } = conflict;
  const text = toText(field, current);
  const isEither = SIDES.some((side) => valueText(conflict, side) === text);
  const isWinners = conflict.omitted.includes(`${conflict.winner}_value`);
  return summary === null || isEither || isWinners ? null : fit(escapeControls(text), width - 8);
}

function toLines(conflict: Conflict, side: Side, width: number, nowMs: number, style: Style): string[] {
  const at = conflict[`${side}_at`];
  const title = fit(`${side.toUpperCase()}${conflict.winner === side ? " (won)" : ""}`, width);
  const who = escapeControls(conflict[`${side}_machine`]);
  const lines = escapeLines(valueText(conflict, side))
    .replaceAll("\t", "    ")
    .split("\n", MAX_LINES + 1)
    .flatMap((line) => wrap(line, width, MAX_LINES));
  const shown = lines.length > MAX_LINES ? [...lines.slice(0, MAX_LINES - 1), "…"] : lines;
  return [
    style.bold(title),
    style.dim(fit(at === null ? who : `${who}, ${formatWhen(at, nowMs)}`, width)),
    ...shown.map((line) => (conflict.winner === side ? style.green(line) : line)),
  ];
}

function besides(left: readonly string[], right: readonly string[], width: number): string {
  const count = Math.max(left.length, right.length);
  return Array.from({ length: count }, (_, index) => {
    const line = left[index] ?? "";
    const padding = " ".repeat(Math.max(0, width - widthOf(withoutStyle(line))));
    return `${line}${padding}${BETWEEN}${right[index] ?? ""}`.trimEnd();
  }).join("\n");
}

/** Only our own sequences are in it: what came from elsewhere was made safe. */
function withoutStyle(line: string): string {
  // oxlint-disable-next-line no-control-regex -- SGR begins with ESC
  return line.replaceAll(/\u001B\[[\d;]*m/g, "");
}
