import type { Conflict } from "../../protocol/conflict.ts";
import type { Output } from "../context.ts";
import { shortId } from "../input/entry-id.ts";
import { escapeControls } from "./escape.ts";
import { formatAge, formatTime } from "./quantities.ts";
import { createStyle } from "./style.ts";
import { type Column, renderTable } from "./table.ts";
import { fit, widthOf } from "./width.ts";

type Side = "base" | "local" | "remote";

const BETWEEN = " | ";

/** Conflicts, one a line: what each side wrote, and which was taken. */
export function renderConflicts(conflicts: readonly Conflict[], out: Output, nowMs: number): string {
  const style = createStyle(out.color);
  const isWide = out.width === null || out.width >= 90;
  const withState = conflicts.some(({ resolved_at: at }) => at !== null);
  const columns: (Column<Conflict> | null)[] = [
    { head: "ID", text: ({ id }) => shortId(id), maxWidth: 8, paint: style.dim },
    { head: "WHEN", align: "right", text: ({ timestamp }) => formatAge(timestamp, nowMs), maxWidth: 10 },
    { head: "FIELD", text: ({ field }) => field, maxWidth: 11 },
    isWide ? { head: "MACHINES", text: toMachines, maxWidth: 21 } : null,
    { head: "WON", text: ({ winner }) => winner, maxWidth: 6 },
    withState ? { head: "STATE", text: ({ resolution }) => resolution ?? "open", maxWidth: 6 } : null,
  ];
  return renderTable({
    rows: conflicts,
    columns: columns.filter((column) => column !== null),
    last: { head: "LOCAL | REMOTE", cell: toBoth },
    width: out.width,
    style,
  });
}

function toMachines({ local_machine: local, remote_machine: remote }: Conflict): string {
  return `${shortId(local)} / ${shortId(remote)}`;
}

/** Both values in one line; what one side does not need the other gets. */
function toBoth(conflict: Conflict, width: number): string {
  const [local, remote] = (["local", "remote"] as const).map((side) =>
    escapeControls(valueText(conflict, side)),
  ) as [string, string];
  const room = Math.max(0, width - BETWEEN.length);
  const half = Math.floor(room / 2);
  const left = fit(local, Math.max(half, room - widthOf(fit(remote, room))));
  return fit(`${left}${BETWEEN}${fit(remote, room - widthOf(left))}`, width);
}

/** A value of the conflict as text. It is not safe yet. */
export function valueText(conflict: Conflict, side: Side): string {
  if (conflict.omitted.includes(`${side}_value`)) return "(left out: too large)";
  return toText(conflict.field, conflict[`${side}_value`]);
}

/** A field's value as text for people. It is not safe yet. */
export function toText(field: string, value: unknown): string {
  if (field === "deleted_at") {
    return typeof value === "number" ? `(deleted ${formatTime(value)})` : "(not deleted)";
  }
  if (value === null) return "(nothing)";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What was decided, in a line. */
export function renderDecision(conflict: Conflict, width: number | null): string {
  const { id, field, resolution, current_value: current } = conflict;
  const whose = resolution === "local" || resolution === "remote" ? conflict[`${resolution}_machine`] : null;
  const what = whose === null ? "merged" : `${resolution} (${escapeControls(whose)})`;
  const line = `${shortId(id)}  ${escapeControls(field)}: ${what}: ${escapeControls(toText(field, current))}`;
  return `${width === null ? line : fit(line, width)}\n`;
}
