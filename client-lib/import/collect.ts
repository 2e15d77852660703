import type { ImportedCommand, ImportReport } from "./shell-history.ts";

/** The daemon's own limit for a command, in bytes of UTF-8. */
const MAX_COMMAND_BYTES = 1024 * 1024;

/**
 * Adds a command to a report if the daemon would take it; otherwise notes why not. Every reader goes through
 * here, so that all formats refuse the same things.
 */
export function collect(report: ImportReport, candidate: ImportedCommand): void {
  const reason = reasonToSkip(candidate.command);
  if (reason === null) report.commands.push(candidate);
  else report.skipped.push({ line: candidate.line, reason });
}

function reasonToSkip(command: string): string | null {
  if (command.trim() === "") return "the command is empty";
  // No shell can be given a NUL: it is what a file system leaves behind where a write was lost to a power cut.
  if (command.includes("\0")) return "the command contains NUL bytes; the file is damaged here";
  const bytes = Buffer.byteLength(command, "utf8");
  if (bytes > MAX_COMMAND_BYTES)
    return `the command has ${bytes} bytes; at most ${MAX_COMMAND_BYTES} are taken`;
  return null;
}
