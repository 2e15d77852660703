import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseZshHistory, unmetafy } from "../../../client-lib/import/zsh.ts";
import { seconds, shellCommand } from "./arbitraries.ts";
import { essence, metafy, writeZsh } from "./writers.ts";

const parse = (text: string) => parseZshHistory(Buffer.from(text));
const commandsOf = (text: string) => parse(text).commands.map((c) => c.command);

describe("zsh history", () => {
  it("reads the extended format", () => {
    expect(parse(": 1700000000:0;ls -la\n: 1700000060:125;make -j2; echo ': 1:2;x'\n")).toEqual({
      commands: [
        { command: "ls -la", timestamp: 1_700_000_000_000, durationMs: null, line: 1 },
        { command: "make -j2; echo ': 1:2;x'", timestamp: 1_700_000_060_000, durationMs: 125_000, line: 2 },
      ],
      skipped: [],
    });
  });

  it("reads the simple format and both mixed", () => {
    expect(essence(parse("git status\n: 1700000000:3;git push\n: > vazio.log\n\\:w\n"))).toEqual([
      { command: "git status", timestamp: null },
      { command: "git push", timestamp: 1_700_000_000_000 },
      { command: ": > vazio.log", timestamp: null },
      { command: ":w", timestamp: null },
    ]);
  });

  it("joins continued lines and counts them", () => {
    const text =
      ": 1700000000:0;for i in *; do\\\n  echo $i \\\\\\\n    --flag\\\ndone\n: 1700000001:0;pwd\n";
    expect(parse(text).commands).toMatchObject([
      { command: "for i in *; do\n  echo $i \\\\\n    --flag\ndone", line: 1 },
      { command: "pwd", line: 5 },
    ]);
  });

  it("removes the one space that guards a final backslash", () => {
    expect(commandsOf("echo a\\ \necho b\\  \necho c \nls\n")).toEqual([
      "echo a\\",
      "echo b\\ ",
      "echo c ",
      "ls",
    ]);
  });

  it("takes a second number past the first as the time of the end, as old versions wrote it", () => {
    expect(parse(": 1700000000:1700000090;make\n: 1700000000:-3;date\n").commands).toMatchObject([
      { durationMs: 90_000 },
      { durationMs: null },
    ]);
  });

  it("undoes metafied bytes before it decodes", () => {
    // As zsh writes it: ã is c3 a3, which stays; à is c3 a0 and Ã is c3 83, whose second bytes do not.
    const data = Buffer.concat([
      Buffer.from(": 1700000000:0;echo "),
      Buffer.from([0xc3, 0xa3, 0xc3, 0x83, 0x80, 0xc3, 0x83, 0xa3]),
      Buffer.from("\nls\n"),
    ]);
    expect(parseZshHistory(data).commands.map((c) => c.command)).toEqual(["echo ãàÃ", "ls"]);
  });

  it("reads lines of plain UTF-8 that another program added", () => {
    expect(commandsOf(": 1700000000:0;echo ÃO à À MANUTENÇÃO\n")).toEqual(["echo ÃO à À MANUTENÇÃO"]);
  });

  it("reads a file that passed through Windows", () => {
    expect(commandsOf("\ufeff: 1700000000:0;a \\\r\nb\r\n: 1700000001:0;c\r\n")).toEqual(["a \nb", "c"]);
  });

  it("skips what is empty or damaged and keeps what a cut left", () => {
    const text = ": 1700000000:0;\n\n: 1700000001:0;ls\n\0\0\0\0\n: 1700000002:0;if true; then\\\n";
    expect(parse(text)).toMatchObject({
      commands: [
        { command: "ls", line: 3 },
        { command: "if true; then", line: 5 },
      ],
      skipped: [{ line: 1 }, { line: 2 }, { line: 4, reason: expect.stringContaining("NUL") }],
    });
  });

  it("brings back whatever was written, with or without times", () => {
    const entry = fc.oneof(
      fc.record({ command: shellCommand, seconds, elapsedSeconds: fc.nat({ max: 100_000 }) }),
      // `\:` at the beginning is the one thing zsh cannot tell from its own escape of `:`.
      fc.record({
        command: shellCommand.filter((text) => !text.startsWith("\\:")),
        seconds: fc.constant(null),
      }),
    );
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const report = parseZshHistory(writeZsh(entries));
        expect(report.skipped).toEqual([]);
        expect(essence(report)).toEqual(
          entries.map((e) => ({
            command: e.command,
            timestamp: e.seconds === null ? null : e.seconds * 1000,
          })),
        );
      }),
    );
  });

  it("undoes metafication of any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(unmetafy(metafy(Buffer.from(bytes)))).toEqual(Buffer.from(bytes));
      }),
    );
  });
});
