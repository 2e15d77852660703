import { stripVTControlCharacters } from "node:util";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderEntries, renderResults } from "../../../client-lib/cli/output/entries.ts";
import { widthOf } from "../../../client-lib/cli/output/width.ts";
import type { Entry, SearchResult } from "../../../client-lib/index.ts";

const NOW = 1_800_000_000_000;

function entry(fields: Partial<Entry>): Entry {
  return {
    id: "0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33",
    kind: "command",
    command: "ls",
    response: null,
    scope: "global",
    user: "maria",
    session_id: null,
    cwd: null,
    shell: null,
    exit_code: 0,
    timestamp: NOW - 60_000,
    duration_ms: null,
    tokens_used: null,
    tags: [],
    note: null,
    pinned: false,
    context: {},
    caused_by: null,
    machine_id: "m",
    hostname: "shop-12",
    created_at: NOW,
    updated_at: NOW,
    deleted_at: null,
    last_editor: "m",
    rev: null,
    sync: "pending",
    ...fields,
  };
}

function result(fields: Partial<SearchResult>): SearchResult {
  return { ...entry({}), score: 1, snippet: "", source: "global", ...fields };
}

const on = (width: number | null, color = false) => ({ width, color, write: () => undefined });

const entries = [
  entry({
    command: "sudo systemctl restart configuração-de-produção.service --no-pager --now",
    exit_code: 127,
  }),
  entry({
    command: "日本語の長いコマンドはどこまでも続きますがここで切られます".repeat(3),
    user: "ç".repeat(80),
  }),
  entry({ command: "evil \u001B[2J\nsecond line", timestamp: NOW - 90 * 86_400_000, kind: "chat" }),
  entry({ command: "x".repeat(1_000_000), user: null, exit_code: -2_147_483_648 }),
];

test("a list in 80 columns", () => {
  expect(renderEntries(entries.slice(0, 1), on(80), NOW)).toBe(
    [
      "ID        WHEN  EXIT  WHO            COMMAND",
      "8a1d0e33    1m   127  maria@shop-12  sudo systemctl restart configuração-de-pro…",
      "",
    ].join("\n"),
  );
});

test("a list in 40 columns shows what matters most", () => {
  expect(renderEntries(entries.slice(0, 3), on(40), NOW)).toBe(
    [
      "ID              WHEN  COMMAND",
      "8a1d0e33          1m  sudo systemctl re…",
      "8a1d0e33          1m  日本語の長いコマ…",
      "8a1d0e33  2026-10-17  evil \\x1b[2J\\nsec…",
      "",
    ].join("\n"),
  );
});

test("a pipe gets whole commands on a line each, without colours", () => {
  const text = renderEntries(entries.slice(0, 3), on(null), NOW);
  expect(text.split("\n")).toHaveLength(5);
  expect(text).toContain("--no-pager --now\n");
  expect(text).not.toContain("\u001B");
});

test.for([80, 40, 20, 5])("every line fits into %i columns, coloured or not", (width) => {
  const results = entries.map((one, index) =>
    result({
      ...one,
      snippet: index % 2 === 0 ? one.command.slice(0, 50) : "…from <mark>another</mark> field",
    }),
  );
  for (const color of [false, true]) {
    for (const text of [
      renderEntries(entries, on(width, color), NOW),
      renderResults(results, on(width, color), NOW),
    ]) {
      // Narrower than the fixed columns nothing can be; the command is then cut to its last character.
      const room = Math.max(width, 23);
      for (const line of text.split("\n"))
        expect(widthOf(stripVTControlCharacters(line))).toBeLessThanOrEqual(room);
    }
  }
});

test("any commands fit, and never reach the terminal raw", () => {
  const commands = fc.array(fc.string({ unit: "binary", minLength: 1, maxLength: 200 }), {
    minLength: 1,
    maxLength: 5,
  });
  fc.assert(
    fc.property(commands, fc.integer({ min: 40, max: 120 }), (texts, width) => {
      const lines = renderEntries(
        texts.map((command) => entry({ command, user: command })),
        on(width),
        NOW,
      ).split("\n");
      expect(lines).toHaveLength(texts.length + 2);
      // oxlint-disable-next-line no-control-regex -- they are what it is about
      for (const line of lines) expect(line).not.toMatch(/[\u0000-\u001F\u007F-\u009F\u202E]/);
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
    }),
  );
});

describe("search results", () => {
  const MARKED = "\u001B[1;7m";
  const END = "\u001B[22;27m";
  const last = (fields: Partial<SearchResult>, width: number | null = 60): string[] =>
    renderResults([result({ user: null, hostname: null, ...fields })], on(width, true), NOW)
      .split("\n")
      .slice(1, -1)
      .map((line) => line.replace(/^.*\[39m +(?=\S)/, "").trimStart());

  test("matches in the command are marked in it", () => {
    const command = "git push --force origin configuração";
    expect(last({ command, snippet: "git push --force origin <mark>configuração</mark>" }, 80)).toEqual([
      `git push --force origin ${MARKED}configuração${END}`,
    ]);
    expect(last({ command, snippet: "…<mark>push</mark> --<mark>force</mark>…" }, 80)).toEqual([
      `git ${MARKED}push${END} --${MARKED}force${END} origin configuração`,
    ]);
  });

  test("a match that does not fit, and one in another field, are shown below", () => {
    const command = `${"word ".repeat(30)}needle`;
    expect(last({ command, snippet: "…word word <mark>needle</mark>" })).toEqual([
      expect.stringMatching(/^word .*…$/),
      `…word word ${MARKED}needle${END}`,
    ]);
    expect(
      last({ command: "ls", response: "a\nneedle\u001B", snippet: "a\n<mark>needle</mark>\u001B" }),
    ).toEqual(["ls", `a ${MARKED}needle${END}\\x1b`]);
  });

  test("without a match there is nothing to mark, and marks of its own stay text", () => {
    expect(last({ command: "a; b", snippet: "a; b" })).toEqual(["a; b"]);
    const command = "echo '<mark>' needle";
    expect(last({ command, snippet: "echo '<mark>' <mark>needle</mark>" })).toEqual([
      command,
      "echo '<mark>' <mark>needle</mark>",
    ]);
  });

  test("an ellipsis of the command's own is kept", () => {
    expect(last({ command: "… needle …", snippet: "… <mark>needle</mark> …" })).toEqual([
      `… ${MARKED}needle${END} …`,
    ]);
  });
});
