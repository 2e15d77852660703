import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { escapeControls, escapeLines, toSafeJson } from "../../../client-lib/cli/output/escape.ts";
import { fit, widthOf, wrap } from "../../../client-lib/cli/output/width.ts";

/** Any characters, with those that terminals act on more often than chance would have them. */
const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      "\u001B",
      "\u009B",
      "\n",
      "\t",
      "\u202E",
      "\u2066",
      "\u007F",
      "ç",
      "ã",
      "日",
      "👩‍💻",
      "\u0301",
    ),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  ),
});
// oxlint-disable-next-line no-control-regex -- they are what it is about
const DANGEROUS = /[\u0000-\u001F\u007F-\u009F\u200E\u200F\u2028-\u202E\u2066-\u2069]/;

describe("escaping", () => {
  test.for([
    ["plain ção 日本 👩‍💻", "plain ção 日本 👩‍💻"],
    ["\u001B]0;title\u0007", "\\x1b]0;title\\x07"],
    ["\u009B31m", "\\x9b31m"],
    ["a\nb\tc\rd", "a\\nb\\tc\\rd"],
    ["\u202Eexe.txt", "\\u{202e}exe.txt"],
    ["zero\u200Bwidth", "zero\\u{200b}width"],
  ] as const)("%j", ([text, escaped]) => {
    expect(escapeControls(text)).toBe(escaped);
  });

  test("nothing that a terminal acts on is left, in one line or in many", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(escapeControls(text)).not.toMatch(DANGEROUS);
        expect(escapeLines(text).replace(/[\n\t]/g, "")).not.toMatch(DANGEROUS);
        expect(toSafeJson({ text }).replaceAll("\n", "")).not.toMatch(DANGEROUS);
      }),
    );
  });

  test("lines stay lines", () => {
    expect(escapeLines("a\r\n\tb\u001B[2Jc\r")).toBe("a\n\tb\\x1b[2Jc\\r");
  });

  test("JSON says the same as it did", () => {
    fc.assert(
      fc.property(fc.jsonValue(), anyText, (value, text) => {
        const written = { value, text };
        expect(JSON.parse(toSafeJson(written))).toEqual(JSON.parse(JSON.stringify(written)));
      }),
    );
  });
});

describe("fitting", () => {
  test.for([
    ["abc", 3, "abc"],
    ["abcd", 3, "ab…"],
    ["日本語", 6, "日本語"],
    ["日本語", 5, "日本…"],
    ["日本語", 4, "日…"],
    ["ação", 3, "aç…"],
    ["e\u0301e\u0301e\u0301", 2, "e\u0301…"],
    ["👩‍💻👩‍💻", 3, "👩‍💻…"],
    ["a", 1, "a"],
    ["ab", 1, "…"],
    ["日", 1, "…"],
    ["ab", 0, ""],
    ["", 0, ""],
  ] as const)("%j in %i columns", ([text, width, fitted]) => {
    expect(fit(text, width)).toBe(fitted);
  });

  test("what fits is left alone, and what does not is cut to fit", () => {
    fc.assert(
      fc.property(anyText.map(escapeControls), fc.integer({ min: 0, max: 40 }), (text, width) => {
        const fitted = fit(text, width);
        expect(widthOf(fitted)).toBeLessThanOrEqual(width);
        const whole = widthOf(text) <= width && text.length < width * 16;
        expect(fitted === text || fitted === "" || fitted.endsWith("…")).toBe(true);
        if (whole) return fitted === text;
        return text.startsWith(fitted.replace(/…$/, ""));
      }),
    );
  });

  test("a megabyte is cut like anything else", () => {
    expect(fit("日".repeat(1_000_000), 80)).toBe(`${"日".repeat(39)}…`);
    expect(fit("x".repeat(1_000_000), 2000)).toHaveLength(2000);
  });
});

describe("wrapping", () => {
  test.for([
    ["abcdef", 3, 9, ["abc", "def"]],
    ["abcdefg", 3, 9, ["abc", "def", "g"]],
    ["abcdefg", 3, 2, ["abc", "de…"]],
    ["日本語", 3, 9, ["日", "本", "語"]],
    ["日本", 1, 9, ["日", "本"]],
    ["", 3, 9, [""]],
  ] as const)("%j in %i columns and %i lines", ([text, width, limit, lines]) => {
    expect(wrap(text, width, limit)).toEqual(lines);
  });

  test("loses nothing where there are lines enough, and is never wider", () => {
    fc.assert(
      fc.property(anyText.map(escapeControls), fc.integer({ min: 2, max: 40 }), (text, width) => {
        const lines = wrap(text, width, 1000);
        expect(lines.join("")).toBe(text);
        for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
        for (const line of wrap(text, width, 2)) expect(widthOf(line)).toBeLessThanOrEqual(width);
      }),
    );
  });

  test("a megabyte is looked at as far as it is shown", () => {
    expect(wrap("x".repeat(1_000_000), 10, 3)).toEqual(["xxxxxxxxxx", "xxxxxxxxxx", "xxxxxxxxx…"]);
  });
});
