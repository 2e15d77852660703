/** The shells whose history files can be read. */
export type ShellKind = "bash" | "zsh" | "fish";

/** One command found in a history file. */
export type ImportedCommand = {
  /** The text as it was typed, several lines included; never blank, at most 1 MiB of UTF-8. */
  command: string;
  /** Milliseconds since the epoch, at the shell's own precision of one second; null where the file has none. */
  timestamp: number | null;
  /** Milliseconds the command ran, at a precision of one second; null where the file does not tell. */
  durationMs: number | null;
  /** The number, from 1, of the line on which the text starts. */
  line: number;
};

/** What a history file held: its commands in the file's order, and what was left out and why. */
export type ImportReport = {
  commands: ImportedCommand[];
  /** `reason` is a sentence without any of the file's content: what was left out may be a secret. */
  skipped: { line: number; reason: string }[];
};

/** Enough to see a format, whatever the size of the file. */
const PROBE_BYTES = 64 * 1024;

const NAMES: readonly (readonly [RegExp, ShellKind])[] = [
  [/fish/, "fish"],
  // `.histfile` is what zsh-newuser-install proposes; `.zhistory` is common in older guides.
  [/zsh|zhistory|^\.histfile$/, "zsh"],
  [/bash/, "bash"],
];

const FIRST_LINES: readonly (readonly [RegExp, ShellKind])[] = [
  [/^- cmd:/, "fish"],
  [/^: \d+:-?\d+;/, "zsh"],
  [/^#\d+$/, "bash"],
];

/**
 * Tells whose format a history file is in. A first line that only one shell writes decides; then the
 * file's name; then the first line further down that only one shell writes; then bash, whose format
 * without timestamps is any text.
 *
 * The name comes before the lines further down because those may be the inside of a command: a here-document
 * with a YAML list typed in bash is full of `- cmd:`.
 *
 * @param fileName path or name of the file
 * @param data its content, or at least its beginning
 */
export function detectShell(fileName: string, data: Buffer): ShellKind {
  const lines = data
    .toString("latin1", 0, PROBE_BYTES)
    .replace(/^\xef\xbb\xbf/, "")
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "");
  const kinds = lines.map((line) => FIRST_LINES.find(([pattern]) => pattern.test(line))?.[1]);
  const baseName = fileName.slice(fileName.lastIndexOf("/") + 1).toLowerCase();
  const named = NAMES.find(([pattern]) => pattern.test(baseName))?.[1];
  return kinds[0] ?? named ?? kinds.find((kind) => kind !== undefined) ?? "bash";
}
