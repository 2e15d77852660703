import { type Figure, type RowReport, showValue } from "./report.ts";

/** One row of the benchmark as text: its lines as a table, then the targets, then the notes. */
export function rowToText(id: string, title: string, report: RowReport): string {
  const columns = [...new Set(report.lines.flatMap(({ figures }) => Object.keys(figures)))];
  const measured = [
    ["", ...columns],
    ...report.lines.map(({ name, figures }) => [
      name,
      ...columns.map((column) => showFigure(figures[column])),
    ]),
  ];
  const targets = report.targets.map(({ level, text, actual, met }) => [
    level,
    text,
    actual,
    met ? "met" : "not met",
  ]);
  return [
    `${id}  ${title}`,
    ...align(measured),
    "",
    ...align(targets),
    ...report.notes.map((note) => `    ${note}`),
  ].join("\n");
}

/** The value, and behind it the least and the greatest of the rounds. */
function showFigure(figure: Figure | undefined): string {
  if (figure === undefined) return "";
  const [value, min, max] = [figure.value, figure.min, figure.max].map((one) => showValue(one, figure.unit));
  const unitless = (text = ""): string => text.slice(0, text.lastIndexOf(" "));
  return `${value} (${unitless(min)}–${unitless(max)})`;
}

/** Columns as wide as their widest cell, without borders: it must read well in a log too. */
function align(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  return rows.map((row) =>
    `    ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("   ")}`.trimEnd(),
  );
}
