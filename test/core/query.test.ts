import Database from "better-sqlite3";
import * as fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { parseQuery } from "../../daemon/core/query.ts";

// The same tokenizer as the cache's index: what counts is what SQLite makes of the expression.
const db = new Database(":memory:");
db.exec(`CREATE VIRTUAL TABLE texts USING fts5(text, tokenize = 'unicode61 remove_diacritics 2')`);
afterAll(() => {
  db.close();
});
const insert = db.prepare("INSERT INTO texts (rowid, text) VALUES (1, ?)");
const clear = db.prepare("DELETE FROM texts");
const match = db.prepare("SELECT count(*) FROM texts WHERE texts MATCH ?").pluck();

/** Whether a query finds a text, by the index and, for its literals, by the text itself. */
function finds(q: string, text: string): boolean {
  const terms = parseQuery(q);
  if (terms.match === null && terms.literals.length === 0) return false;
  clear.run();
  insert.run(text);
  return (
    (terms.match === null || match.get(terms.match) === 1) &&
    terms.literals.every((literal) => text.includes(literal))
  );
}

/** Text with everything that could be an operator, or fool a tokenizer. */
const pieces = [
  String.raw`" ' * ^ ( ) { } : + - -- , ; | \ % _ AND OR NOT NEAR NEAR( command: a no-pager C:\x`.split(" "),
  "ção c\u0327a\u0303o \u0301 😀 ⚠️ 👩‍💻 \ufe0f \u200d \ud83d 日本語 नमस्ते \ue000 1️⃣ ﬁ İ".split(" "),
  ["\0", " ", "\n", "\t", "\u00a0", "\ufeff"],
].flat();
const piece = fc.constantFrom(...pieces);
const typed = fc.oneof(
  fc.array(piece, { maxLength: 12 }).map((all) => all.join("")),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
);

test("nothing that anyone types is a syntax error", () => {
  fc.assert(
    fc.property(typed, (q) => {
      const terms = parseQuery(q);
      if (terms.match !== null) match.get(terms.match);
    }),
    { numRuns: 2000 },
  );
});

test("the longest query there may be is none either", () => {
  for (const q of [
    "a ".repeat(2048),
    '"'.repeat(4096),
    '"a" '.repeat(1024),
    "(".repeat(4096),
    "x".repeat(4096),
  ]) {
    const terms = parseQuery(q);
    if (terms.match !== null) match.get(terms.match);
  }
});

test("a text is found by the whole of it, by each of its words, and by what any word begins with", () => {
  fc.assert(
    fc.property(typed, fc.nat(), fc.nat(), (text, chosen, cut) => {
      const words = text.split(/\s+/u).filter((word) => word !== "");
      fc.pre(words.length > 0 && text.isWellFormed());
      // An odd quote pairs up with another one, and then means something.
      if (!text.includes('"')) expect(finds(text, text)).toBe(true);
      const word = words[chosen % words.length]!;
      if (word.length > 2 && word.startsWith('"') && word.endsWith('"')) return;
      expect(finds(word, text)).toBe(true);
      const letters = [...word.matchAll(/[a-z0-9]+/giu)].at(0);
      if (letters === undefined || letters.index !== 0) return;
      expect(finds(letters[0].slice(0, 1 + (cut % letters[0].length)), text)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test("every character that makes a term a word is one to the tokenizer", () => {
  const characters: string[] = [];
  for (let code = 1; code <= 0x10ffff; code++) {
    const character = String.fromCodePoint(code);
    if (character.isWellFormed() && parseQuery(character).match !== null) characters.push(character);
  }
  expect(characters.length).toBeGreaterThan(100_000);
  db.exec("CREATE VIRTUAL TABLE tokens USING fts5vocab(texts, instance)");
  clear.run();
  insert.run(characters.join(" "));
  expect(db.prepare("SELECT count(*) FROM tokens").pluck().get()).toBe(characters.length);
});

describe("words", () => {
  test("match from their beginning, without regard to accents and case, both ways", () => {
    expect(finds("configuracao", "Configuração do servidor")).toBe(true);
    expect(finds("CONFIGURAÇÃO", "configuracao do servidor")).toBe(true);
    expect(finds("config", "configuração")).toBe(true);
    expect(finds("figuracao", "configuração")).toBe(false);
    // Precomposed and decomposed are the same letter.
    expect(finds("ac\u0327a\u0303o", "ação")).toBe(true);
    expect(finds("ação", "ac\u0327a\u0303o")).toBe(true);
  });

  test("combine with and, in any order", () => {
    expect(finds("push git", "git push origin")).toBe(true);
    expect(finds("git pull", "git push origin")).toBe(false);
  });

  test("that FTS5 takes for operators are words", () => {
    expect(finds("AND", "this and that")).toBe(true);
    expect(finds("a OR b", "a or b")).toBe(true);
    expect(finds("a OR b", "a b")).toBe(false);
    expect(finds("NOT", "x")).toBe(false);
    expect(finds("NEAR(a b)", "near a b")).toBe(true);
    expect(finds("note:x", "note x")).toBe(true);
    expect(finds("^git", "sudo git")).toBe(true);
  });

  test("with punctuation inside are the phrase of their parts", () => {
    expect(finds("--no-pager", "git --no-pager log")).toBe(true);
    expect(finds("--no-pager", "git --pager no")).toBe(false);
    expect(finds("no-pag", "git --no-pager log")).toBe(true);
    expect(finds("C:\\x", "dir C:\\x")).toBe(true);
    expect(finds("10.0.0.1", "ping 10.0.0.1")).toBe(true);
    expect(finds("10.0.0.1", "ping 10.0.1.0")).toBe(false);
  });
});

describe("a quoted phrase", () => {
  test("matches its words as they stand, to the end of the last", () => {
    expect(finds('"git push"', "git push origin")).toBe(true);
    expect(finds('"push git"', "git push origin")).toBe(false);
    expect(finds('"git pus"', "git push origin")).toBe(false);
    expect(finds('"git push" orig', "git push origin")).toBe(true);
  });

  test("that is not closed, or has no end at white space, is text", () => {
    expect(finds('"git pus', "git push")).toBe(true);
    expect(finds('say "hi', 'echo "hi there" say')).toBe(true);
    expect(finds('"a"b', "a b")).toBe(true);
    expect(finds('"', 'echo "x"')).toBe(true);
    expect(finds('"', "echo x")).toBe(false);
  });
});

describe("terms that no index holds", () => {
  test.each([";", "*", "|", ">", "&&", "$", "⚠️", "\ufe0f", "\u0301", "😀", "👩‍💻", "…"])(
    "%j is looked up as it stands",
    (term) => {
      expect(parseQuery(term)).toEqual({ match: null, literals: [term] });
      expect(finds(term, `cat a ${term} b`)).toBe(true);
      expect(finds(`cat ${term}`, `cat a ${term} b`)).toBe(true);
      expect(finds(`cat ${term}`, "cat a b")).toBe(false);
    },
  );

  test("nothing but white space asks for nothing", () => {
    for (const q of ["", " ", "\n\t", "\u00a0"]) expect(parseQuery(q)).toEqual({ match: null, literals: [] });
  });
});
