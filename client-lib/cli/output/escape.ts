/**
 * What a terminal acts on, or shows in another order than it stands: control characters (ESC begins the sequences
 * that move the cursor, write the clipboard and more), line separators, marks that turn the direction of writing
 * (CVE-2021-42574), invisible spaces. The joiners U+200C and U+200D stay: words and emoji need them.
 */
const UNSAFE = /[\p{Cc}\u061C\u200B\u200E\u200F\u2028-\u202E\u2060-\u2069\uFEFF]/gu;
const SHORT: Record<string, string> = { "\n": "\\n", "\t": "\\t", "\r": "\\r" };

/** The text with every such character written out, so that it is safe on a terminal and one line in a pipe. */
export function escapeControls(text: string): string {
  return text.replace(UNSAFE, (character) => SHORT[character] ?? escapeCode(character));
}

/** The same, but line breaks and tabs stay what they are: for text that may have many lines. */
export function escapeLines(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .replace(UNSAFE, (character) =>
      character === "\n" || character === "\t" ? character : (SHORT[character] ?? escapeCode(character)),
    );
}

/** JSON that no terminal acts on. It has escapes of its own, so that it says the same. */
export function toSafeJson(value: unknown): string {
  const json = JSON.stringify(value, null, 2);
  return json.replace(UNSAFE, (character) =>
    character === "\n" ? character : `\\u${codeOf(character).padStart(4, "0")}`,
  );
}

function escapeCode(character: string): string {
  const code = codeOf(character);
  return code.length <= 2 ? `\\x${code.padStart(2, "0")}` : `\\u{${code}}`;
}

function codeOf(character: string): string {
  return character.codePointAt(0)!.toString(16);
}
