/**
 * What a person typed into a search, taken apart. Everything they type is text: no character is an operator of the
 * index, and no input is a syntax error.
 */
export interface SearchTerms {
  /** FTS5 MATCH expression; null where the query has no letter or digit to look up. */
  match: string | null;
  /** Terms without a letter or digit (`;`, `*`, `|`), which no index holds: they must occur as they stand. */
  literals: string[];
}

/** A quoted phrase, or a run without white space. A quote that is not closed is text like any other. */
const TERM = /"([^"]+)"(?=\s|$)|(\S+)/gu;

/**
 * What the tokenizer (unicode61) begins a word with: letters, digits, private use. A mark alone, as in `⚠️`, is none;
 * neither are 21 letters that were marks in the version of Unicode that SQLite knows.
 */
const WORD = /(?![\u19b0-\u19c0\u19c8\u19c9\u1cf2\u1cf3])[\p{L}\p{N}\p{Co}]/u;

/**
 * - a word matches from its beginning: `config` finds `configuração`; accents and case do not matter
 * - a term with punctuation inside (`--no-pager`, `C:\x`) is the phrase of its words, the last one from its beginning
 * - a `"quoted phrase"` matches its words exactly, in that order
 * - terms combine with "and"
 */
export function parseQuery(q: string): SearchTerms {
  const parts: string[] = [];
  const literals: string[] = [];
  for (const [, phrase, bare] of q.matchAll(TERM)) {
    const term = phrase ?? bare ?? "";
    if (!WORD.test(term)) literals.push(phrase === undefined ? term : `"${phrase}"`);
    // A phrase ends where it says; a word that is still being typed may go on.
    else parts.push(phrase === undefined ? `${quote(term)} *` : quote(term));
  }
  return { match: parts.length === 0 ? null : parts.join(" AND "), literals };
}

/** An FTS5 string: the tokenizer makes a phrase of the words in it. */
function quote(term: string): string {
  // NUL would end the expression early in SQLite's C API.
  return `"${term.replaceAll("\0", " ").replaceAll('"', '""')}"`;
}
