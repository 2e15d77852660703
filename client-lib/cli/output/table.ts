import Table from "cli-table3";
import type { Style } from "./style.ts";
import { escapeControls } from "./escape.ts";
import { fit, widthOf } from "./width.ts";

export interface Column<Row> {
  head: string;
  align?: "left" | "right";
  /** Any text: it is made safe and cut here. */
  text: (row: Row) => string;
  maxWidth: number;
  /** Colours the text when it is cut to size. */
  paint?: (text: string, row: Row) => string;
}

export interface TableOptions<Row> {
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  /** The last column gets what is left. Its cells are made to measure: safe text of lines of up to `width`. */
  last: { head: string; cell: (row: Row, width: number) => string };
  /** Columns of the terminal; null where the table may be as wide as it wants. */
  width: number | null;
  style: Style;
}

/** In a pipe whole commands are wanted, but not megabytes of padding. */
const MAX_WIDTH = 2000;
const GAP = 2;

/** No lines at all: what is copied from a terminal should be the text. */
const NO_BORDERS = Object.fromEntries(
  ["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"]
    .concat(["left", "left-mid", "mid", "mid-mid", "right", "right-mid", "middle"])
    .map((name) => [name, ""]),
);

/** A table without borders that fits the terminal, ending in a newline. */
export function renderTable<Row>({ rows, columns, last, width, style }: TableOptions<Row>): string {
  const texts = rows.map((row) =>
    columns.map((column) => fit(escapeControls(column.text(row)), column.maxWidth)),
  );
  const widths = columns.map((column, index) =>
    texts.reduce((widest, line) => Math.max(widest, widthOf(line[index]!)), widthOf(column.head)),
  );
  const taken = widths.reduce((sum, one) => sum + one + GAP, 0);
  const left = Math.max((width ?? MAX_WIDTH) - taken, 1);

  const table = new Table({
    chars: NO_BORDERS,
    style: { head: [], border: [], "padding-left": 0, "padding-right": GAP },
    head: [...columns.map(({ head }) => head), fit(last.head, left)].map((head) => style.dim(head)),
    colWidths: [...widths.map((one) => one + GAP), width === null ? null : left + GAP],
    colAligns: [...columns.map(({ align = "left" }) => align), "left"],
  });
  for (const [index, row] of rows.entries()) {
    const cells = columns.map(({ paint }, column) => {
      const text = texts[index]![column]!;
      return paint === undefined ? text : paint(text, row);
    });
    table.push([...cells, last.cell(row, left)]);
  }
  return table
    .toString()
    .split("\n")
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}
