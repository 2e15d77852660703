import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseFishHistory } from "../../../client-lib/import/fish.ts";
import { seconds, shellCommand } from "./arbitraries.ts";
import { essence, writeFish } from "./writers.ts";

const parse = (text: string) => parseFishHistory(Buffer.from(text));

describe("fish history", () => {
  it("reads commands, times and passes over paths", () => {
    const text = [
      "- cmd: vim /etc/hosts",
      "  when: 1700000000",
      "  paths:",
      "    - /etc/hosts",
      "    - when: 12",
      '- cmd: echo "a: b" \\\\n # não é um comentário',
      "  when: 1700000060",
      "- cmd: sem data",
      "",
    ].join("\n");
    expect(parse(text)).toEqual({
      commands: [
        { command: "vim /etc/hosts", timestamp: 1_700_000_000_000, durationMs: null, line: 1 },
        {
          command: 'echo "a: b" \\n # não é um comentário',
          timestamp: 1_700_000_060_000,
          durationMs: null,
          line: 6,
        },
        { command: "sem data", timestamp: null, durationMs: null, line: 8 },
      ],
      skipped: [],
    });
  });

  it("undoes its two escapes and leaves others alone", () => {
    expect(parse("- cmd: for i in 1 2\\n    echo \\\\n\\\\\\\\\\nend \\t\\\n").commands).toMatchObject([
      { command: "for i in 1 2\n    echo \\n\\\\\nend \\t\\" },
    ]);
  });

  it("reads what fish 1 left behind", () => {
    expect(
      parse("%YAML\n---\n- cmd: - cmd: - cmd: ls\n  when: 5\n- cmd:    when: 123\n...\n- cmd: pwd\n"),
    ).toMatchObject({
      commands: [{ command: "ls", timestamp: 5000 }, { command: "pwd" }],
      skipped: [{ line: 5 }],
    });
  });

  it("takes a time that is no number, or 0, as unknown", () => {
    const text =
      "- cmd: a\n  when: ontem\n- cmd: b\n  when: 0\n- cmd: c\n  when: -5\n- cmd: d\n  when: 7\r\n";
    expect(essence(parse(text)).map((c) => c.timestamp)).toEqual([null, null, null, 7000]);
  });

  it("reports damage once for each place and goes on", () => {
    const text =
      "  when: 1\n  paths:\n- cmd: ls\n\0\0\0\0\n  when: 2\nlixo\n- cmd: \n  when: 3\n- cmd: pwd\n  when: 4\n";
    expect(parse(text)).toMatchObject({
      commands: [
        { command: "ls", timestamp: null },
        { command: "pwd", timestamp: 4000 },
      ],
      skipped: [{ line: 1 }, { line: 4 }, { line: 6 }, { line: 7, reason: "the command is empty" }],
    });
  });

  it("brings back whatever was written", () => {
    // Fish does not record a command with a leading space, trims other white space there, and takes these two
    // beginnings for its own old damage.
    const command = shellCommand.filter((text) => !/^([ \t\f\r]|- cmd: |when:)/.test(text));
    const paths = fc.array(fc.constantFrom("/etc/hosts", "when: 1", "a\nb"), { maxLength: 2 });
    fc.assert(
      fc.property(fc.array(fc.record({ command, seconds: fc.option(seconds), paths })), (entries) => {
        const report = parseFishHistory(writeFish(entries));
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
});
