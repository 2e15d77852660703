import type { SearchResult } from "../../protocol/history.ts";
import type { Style } from "./style.ts";
import { escapeControls } from "./escape.ts";
import { fit } from "./width.ts";

const MARK = /<\/?mark>/;

/** A text in turns: what did not match, what did, what did not, … */
type Pieces = string[];

/**
 * A search result in one or two lines of up to `width` columns: its command with the matches marked, and below it the
 * snippet, where that is from another field or from a part of the command that does not fit.
 */
export function excerpt(result: SearchResult, width: number, style: Style): string {
  const pieces = toPieces(result);
  const command = locate(result.command, pieces);
  if (command !== null) {
    const untilMatch = escapeControls(command.slice(0, 2).join(""));
    if (command.length === 1 || fit(untilMatch, width) === untilMatch) return paint(command, width, style);
  }
  return `${fit(escapeControls(result.command), width)}\n${paint(toSecondLine(pieces, width), width, style)}`;
}

function toPieces({ snippet, command, response, note, tags }: SearchResult): Pieces {
  // In a text with such marks of its own, these cannot be told from the daemon's: it is shown as it is.
  const ambiguous = [command, response ?? "", note ?? "", ...tags].some((text) => MARK.test(text));
  return ambiguous ? [snippet] : snippet.split(MARK);
}

/** The whole command in such pieces, or null where the snippet is not from it. */
function locate(command: string, pieces: Pieces): Pieces | null {
  // The daemon puts an ellipsis where it cut; the command may have one of its own there.
  for (const cut of [/$^/, /^…/, /…$/, /^…|…$/g]) {
    const text = pieces.join("").replace(cut, "");
    const start = command.indexOf(text);
    if (start === -1) continue;
    if (pieces.length === 1) return [command];
    const before =
      command.slice(0, start) + (cut.source.startsWith("^…") ? pieces[0]!.replace(/^…/, "") : pieces[0]!);
    const middle = pieces.slice(1, -1);
    return [before, ...middle, command.slice(before.length + middle.join("").length)];
  }
  return null;
}

const INDENT = "  ";

function toSecondLine(pieces: Pieces, width: number): Pieces {
  const [before = "", ...rest] = pieces.map((piece) => piece.replace(/\s+/g, " "));
  // The match must come into view.
  const room = Math.floor(width / 3);
  const isLong = rest.length > 0 && before.length > room;
  return [INDENT + (isLong ? `…${before.slice(-room)}` : before), ...rest];
}

/** Marks the matches in what fits. */
function paint(pieces: Pieces, width: number, style: Style): string {
  const safe = pieces.map(escapeControls);
  const text = safe.join("");
  const fitted = fit(text, width);
  const ellipsis = fitted === text ? "" : "…";
  let left = fitted.length - ellipsis.length;
  let painted = "";
  for (const [index, piece] of safe.entries()) {
    const kept = piece.slice(0, left);
    left -= kept.length;
    painted += index % 2 === 1 ? style.mark(kept) : kept;
  }
  return painted + ellipsis;
}
