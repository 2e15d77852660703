import type { Conflict } from "../../protocol/conflict.ts";
import type { Terminal } from "../context.ts";
import { escapeControls } from "../output/escape.ts";
import { describeForm, parseFieldValue, writeFieldValue } from "./field-value.ts";

/**
 * Has somebody write a value out of both, in their editor, or in a line where there is none. The daemon says whether
 * the field can hold it.
 * @returns null where they gave it up
 * @throws Error for what is not written as the field wants it, or still has both values with the marks between them
 */
export async function mergedValue(
  terminal: Terminal,
  conflict: Conflict,
): Promise<{ value: unknown } | null> {
  const { field } = conflict;
  if (terminal.edit === null) {
    const line = await terminal.ask(`${escapeControls(field)} (${describeForm(field)}): `);
    return line === null ? null : { value: parseFieldValue(field, line) };
  }
  const marks = toMarks(conflict);
  const text = [
    marks[0],
    writeFieldValue(field, conflict.local_value),
    marks[1],
    writeFieldValue(field, conflict.remote_value),
    marks[2],
    "",
  ].join("\n");
  const edited = (await terminal.edit(text)).replaceAll("\r\n", "\n");
  if (edited.split("\n").some((line) => marks.includes(line))) {
    throw new Error(
      "nothing was merged: the lines that begin with <<<<<<<, ======= and >>>>>>> are still there",
    );
  }
  // Editors end the last line, whatever it holds.
  return { value: parseFieldValue(field, edited.replace(/\n$/, "")) };
}

/** Lines that no value has by accident. */
function toMarks({ field, local_machine: local, remote_machine: remote }: Conflict): string[] {
  return [
    `<<<<<<< local, written on ${escapeControls(local)}`,
    `======= ${escapeControls(field)} (${describeForm(field)}): keep what you want, and remove these three lines`,
    `>>>>>>> remote, written on ${escapeControls(remote)}`,
  ];
}
