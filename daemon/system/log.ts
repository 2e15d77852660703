import { fstatSync } from "node:fs";
import { type DestinationStream, type Logger, pino } from "pino";
import { prettyFactory } from "pino-pretty";
import type { LogFormat } from "../config/settings.ts";

export interface LogOptions {
  level: string;
  format: LogFormat;
  /** File descriptor the log goes to. */
  fd: number;
  isTerminal: boolean;
  /** `JOURNAL_STREAM` as systemd sets it: device and inode of the stream that goes to the journal. */
  journalStream: string | undefined;
}

/** Syslog priorities of pino's levels: what `journalctl -p` selects by. */
const PRIORITIES: Record<number, number> = { 10: 7, 20: 7, 30: 6, 40: 4, 50: 3, 60: 2 };

/** Where secrets could be, should a careless line ever log them. */
const SECRETS = [
  "token",
  "authToken",
  "auth_token",
  "*.token",
  "*.authToken",
  "*.auth_token",
  "*.headers.authorization",
];

/** One line an event: for people on a terminal, with a priority for the journal, as JSON elsewhere. */
export function createLog(options: LogOptions): Logger {
  return pino(
    { level: options.level, base: null, redact: { paths: SECRETS, censor: "[secret]" } },
    destination(options),
  );
}

/** What is kept for a log that takes nothing at the moment. */
const MAX_UNWRITTEN_CHARACTERS = 256 * 1024;

function destination(options: LogOptions): DestinationStream {
  // Synchronous, so that the last line before an exit is not lost.
  const file = pino.destination({ fd: options.fd, sync: true, maxLength: MAX_UNWRITTEN_CHARACTERS });
  // A full disk or a closed terminal: history is worth more than its log, so lines are dropped until there is room.
  file.on("error", () => undefined);
  switch (resolveFormat(options)) {
    case "json":
      return file;
    case "pretty": {
      const toText = prettyFactory({ colorize: options.isTerminal, singleLine: true });
      return { write: (json) => file.write(toText(json)) };
    }
    case "journal": {
      // The journal keeps the time and the priority itself.
      const toText = prettyFactory({ colorize: false, singleLine: true, ignore: "time,level" });
      return { write: (json) => file.write(withPriority(toText(json), json)) };
    }
  }
}

function resolveFormat({ format, fd, isTerminal, journalStream }: LogOptions): Exclude<LogFormat, "auto"> {
  if (format !== "auto") return format;
  if (isTerminal) return "pretty";
  return goesToJournal(fd, journalStream) ? "journal" : "json";
}

/** systemd.exec(5): compare device and inode, since the variable is inherited by processes with other streams. */
function goesToJournal(fd: number, journalStream: string | undefined): boolean {
  if (journalStream === undefined) return false;
  const { dev, ino } = fstatSync(fd, { bigint: true });
  return journalStream === `${dev}:${ino}`;
}

/** sd-daemon(3): a line that begins with `<N>` gets priority N, each for itself: those of a stack as well. */
function withPriority(text: string, json: string): string {
  const { level } = JSON.parse(json) as { level: number };
  const prefix = `<${PRIORITIES[level] ?? 6}>`;
  return text
    .split("\n")
    .map((line) => (line === "" ? line : prefix + line))
    .join("\n");
}
