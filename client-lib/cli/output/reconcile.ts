import type { Reconciliation } from "../../protocol/reconcile.ts";
import type { Output } from "../context.ts";
import { escapeControls } from "./escape.ts";
import { renderFacts } from "./facts.ts";
import { formatAge, formatCount, formatDuration } from "./quantities.ts";
import { createStyle, type Style } from "./style.ts";
import { renderTable } from "./table.ts";
import { fit } from "./width.ts";

/** How a comparison ended, in a sentence for people: safe text in one line. */
export function describeOutcome({ outcome, repair, error, ...found }: Reconciliation): string {
  switch (outcome) {
    case "equal":
      return "both sides hold the same";
    case "mended":
      return `the two sides differed, and what differed was mended (${describeFound(found)})`;
    case "differs": {
      const advice = repair
        ? "some of it could not be mended; the daemon's log says more"
        : "'historyctl sync reconcile' mends what can be mended";
      return `the two sides differ (${describeFound(found)}); ${advice}`;
    }
    case "failed":
      return `the comparison did not come to its end: ${escapeControls(error ?? "it is not known why")}`;
  }
}

type Found = Pick<Reconciliation, "missing_here" | "missing_there" | "differing" | "mended">;

function describeFound({ missing_here, missing_there, differing, mended }: Found): string {
  const parts = [
    [missing_here, "missing here"],
    [missing_there, "missing on the remote"],
    [differing, "not the same"],
    [mended, "mended"],
  ] as const;
  const said = parts.filter(([count]) => count > 0);
  return said.length === 0
    ? "no record that could be named"
    : said.map(([count, words]) => `${count.toLocaleString("en-US")} ${words}`).join(", ");
}

/** One comparison: both sides, and what differs. */
export function renderReconciliation(result: Reconciliation, out: Output): string {
  const style = createStyle(out.color);
  const side = ({ count, digest }: Reconciliation["local"]): string =>
    `${formatCount(count, "record", "records")}, digest ${escapeControls(digest)}`;
  const what = result.content ? "revisions and contents" : "revisions";
  return renderFacts(
    [
      ["outcome", `${paintOutcome(result.outcome, result.outcome, style)}: ${describeOutcome(result)}`],
      ["here", side(result.local)],
      ["remote", side(result.remote)],
      [
        "compared",
        `${what} of ${formatCount(result.compared, "record", "records")} (${formatCount(result.requests, "request", "requests")}, ${formatDuration(result.duration_ms)})`,
      ],
    ],
    style,
  );
}

/** Earlier comparisons, one a line, newest first. */
export function renderReconciliations(rows: readonly Reconciliation[], out: Output, nowMs: number): string {
  if (rows.length === 0) return "no comparison was made yet\n";
  const style = createStyle(out.color);
  return renderTable({
    rows,
    columns: [
      { head: "WHEN", text: ({ started_at }) => formatAge(started_at, nowMs), maxWidth: 10 },
      { head: "WHY", text: ({ reason }) => reason, maxWidth: 20 },
      {
        head: "OUTCOME",
        text: ({ outcome }) => outcome,
        maxWidth: 8,
        paint: (text, { outcome }) => paintOutcome(outcome, text, style),
      },
      { head: "HERE", align: "right", text: ({ local }) => String(local.count), maxWidth: 12 },
      { head: "REMOTE", align: "right", text: ({ remote }) => String(remote.count), maxWidth: 12 },
    ],
    last: { head: "FOUND", cell: (row, width) => fitCell(row, width) },
    width: out.width,
    style,
  });
}

function fitCell(row: Reconciliation, width: number): string {
  const text =
    row.outcome === "equal" ? "" : row.outcome === "failed" ? (row.error ?? "") : describeFound(row);
  return fit(escapeControls(text), width);
}

function paintOutcome(outcome: Reconciliation["outcome"], text: string, style: Style): string {
  switch (outcome) {
    case "equal":
      return style.green(text);
    case "mended":
      return style.yellow(text);
    case "differs":
    case "failed":
      return style.red(text);
  }
}
