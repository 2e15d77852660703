import type { AuditEvent } from "../../protocol/audit.ts";
import type { Output } from "../context.ts";
import { shortId } from "../input/entry-id.ts";
import { escapeControls } from "./escape.ts";
import { formatAge } from "./quantities.ts";
import { createStyle } from "./style.ts";
import { renderTable } from "./table.ts";
import { fit } from "./width.ts";

/** What was changed, one event a line. */
export function renderAudit(events: readonly AuditEvent[], out: Output, nowMs: number): string {
  const style = createStyle(out.color);
  return renderTable({
    rows: events,
    columns: [
      { head: "WHEN", align: "right", text: ({ at }) => formatAge(at, nowMs), maxWidth: 10 },
      {
        head: "ACTION",
        text: ({ action }) => action,
        maxWidth: 12,
        paint: (text, { action }) => (action === "purge" ? style.red(text) : text),
      },
      { head: "ENTRY", text: ({ record_id: id }) => (id === null ? "" : shortId(id)), maxWidth: 8 },
      { head: "WHO", text: toWho, maxWidth: 24 },
    ],
    last: { head: "WHAT", cell: (event, width) => fit(escapeControls(toWhat(event)), width) },
    width: out.width,
    style,
  });
}

function toWho({ user, machine_id: machine }: AuditEvent): string {
  return user === null ? shortId(machine) : `${user}@${shortId(machine)}`;
}

function toWhat({ details }: AuditEvent): string {
  return Object.entries(details)
    .map(([name, value]) => {
      const text = Array.isArray(value)
        ? value.join(", ")
        : typeof value === "string"
          ? value
          : JSON.stringify(value);
      if (name === "conflict") return `conflict ${shortId(text)}`;
      return name === "fields" ? text : `${name} ${text}`;
    })
    .join(", ");
}
