const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Two columns wide on terminals: East Asian wide and fullwidth (Unicode TR11), and emoji. */
const WIDE =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\u33FF\u3400-\u4DBF\u4E00-\uA4CF\uA960-\uA97C\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{1B000}-\u{1B2FF}\u{20000}-\u{3FFFD}]|\p{Emoji_Presentation}|\uFE0F/u;
const INVISIBLE = /^[\p{M}\p{Cf}]+$/u;

/** One character as people count them (an accent belongs to its letter), and the columns it takes. */
function* characters(text: string): Generator<{ text: string; width: number }> {
  for (const { segment } of graphemes.segment(text)) {
    yield { text: segment, width: INVISIBLE.test(segment) ? 0 : WIDE.test(segment) ? 2 : 1 };
  }
}

/** Columns that the text takes on a terminal. It must be safe: no control characters. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of characters(text)) width += character.width;
  return width;
}

/** The text, or as much of its beginning as fits with an ellipsis. */
export function fit(text: string, width: number): string {
  // A command can have a megabyte: look at no more of it than could fit. Few characters have more than 16 units.
  const head = text.slice(0, (width + 1) * 16);
  let used = 0;
  let whole = "";
  let shortened = "";
  for (const character of characters(head)) {
    used += character.width;
    if (used > width) return width < 1 ? "" : `${shortened}…`;
    whole += character.text;
    if (used < width) shortened = whole;
  }
  return head.length === text.length ? text : `${shortened}…`;
}

/** The text in pieces that fit, at most `limit` of them; the last one ends in an ellipsis where there is more. */
export function wrap(text: string, width: number, limit: number): string[] {
  const lines: string[] = [];
  let line = "";
  let used = 0;
  for (const character of characters(text.slice(0, (width + 1) * 16 * limit))) {
    if (used + character.width > width && line !== "") {
      lines.push(line);
      if (lines.length === limit) return [...lines.slice(0, -1), fit(`${lines.at(-1)!} …`, width)];
      line = "";
      used = 0;
    }
    line += character.text;
    used += character.width;
  }
  return [...lines, line];
}
