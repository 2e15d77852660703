import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseBashHistory } from "../../../client-lib/import/bash.ts";
import { seconds, shellCommand } from "./arbitraries.ts";
import { essence, writeBash } from "./writers.ts";

const parse = (text: string) => parseBashHistory(Buffer.from(text));

describe("bash history without timestamps", () => {
  it("takes each line as a command and leaves the time open", () => {
    expect(parse("ls -la\nsudo systemctl restart nginx\n")).toEqual({
      commands: [
        { command: "ls -la", timestamp: null, durationMs: null, line: 1 },
        { command: "sudo systemctl restart nginx", timestamp: null, durationMs: null, line: 2 },
      ],
      skipped: [],
    });
  });

  it("keeps comments, also those that begin with a digit", () => {
    const text = "# verificar disco\n#1 reiniciar o serviço\n#17abc\ndf -h";
    expect(parse(text).commands.map((c) => c.command)).toEqual(text.split("\n"));
  });

  it("reports blank lines with their numbers", () => {
    expect(parse("ls\n\n \t \npwd\n")).toMatchObject({
      commands: [{ line: 1 }, { line: 4 }],
      skipped: [
        { line: 2, reason: "the command is empty" },
        { line: 3, reason: "the command is empty" },
      ],
    });
  });

  it("keeps leading spaces and what looks like other formats", () => {
    const text = "  indented\n: 1700000000:0;ls\n- cmd: ls\n";
    expect(parse(text).commands.map((c) => c.command)).toEqual(text.trimEnd().split("\n"));
  });
});

describe("bash history with timestamps", () => {
  it("joins the lines up to the next timestamp into one command", () => {
    const text = [
      "#1700000000",
      "for host in web1 web2",
      "do",
      '  ssh "$host.example.com" uptime',
      "",
      "  #42 not a timestamp",
      "done",
      "#1700000060",
      "ls",
      "",
    ].join("\n");
    expect(parse(text).commands).toEqual([
      {
        command: 'for host in web1 web2\ndo\n  ssh "$host.example.com" uptime\n\n  #42 not a timestamp\ndone',
        timestamp: 1_700_000_000_000,
        durationMs: null,
        line: 2,
      },
      { command: "ls", timestamp: 1_700_000_060_000, durationMs: null, line: 9 },
    ]);
  });

  it("reads lines before the first timestamp one by one", () => {
    expect(essence(parse("ls\npwd\n#1700000000\ncat <<X\nhello\nX\n\n"))).toEqual([
      { command: "ls", timestamp: null },
      { command: "pwd", timestamp: null },
      { command: "cat <<X\nhello\nX", timestamp: 1_700_000_000_000 },
    ]);
  });

  it("drops blank lines between a timestamp and its command", () => {
    expect(parse("#1700000000\n\n\nls\n").commands).toMatchObject([{ command: "ls", line: 4 }]);
  });

  it("reports timestamps without a command", () => {
    expect(parse("#1700000000\n#1700000001\n\n#1700000002\nls\n#1700000003")).toMatchObject({
      commands: [{ command: "ls", timestamp: 1_700_000_002_000 }],
      skipped: [{ line: 1 }, { line: 2 }, { line: 6, reason: "a timestamp without a command" }],
    });
  });

  it("takes times that cannot be as unknown", () => {
    expect(essence(parse("#0\nls\n#99999999999999999999\npwd\n"))).toEqual([
      { command: "ls", timestamp: null },
      { command: "pwd", timestamp: null },
    ]);
  });

  it("reads a file that passed through Windows", () => {
    const text = "\ufeff#1700000000\r\nif true\r\nthen ls\r\nfi\r\n#1700000001\r\npwd\r\n";
    expect(essence(parse(text))).toEqual([
      { command: "if true\nthen ls\nfi", timestamp: 1_700_000_000_000 },
      { command: "pwd", timestamp: 1_700_000_001_000 },
    ]);
  });

  it("brings back whatever was written", () => {
    const command = shellCommand.filter(
      (text) => !/^\n|\n$/.test(text) && !text.split("\n").some((line) => /^#\d+$/.test(line)),
    );
    fc.assert(
      fc.property(fc.array(fc.record({ command, seconds })), (entries) => {
        const report = parseBashHistory(writeBash(entries));
        expect(report.skipped).toEqual([]);
        expect(essence(report)).toEqual(
          entries.map((e) => ({ command: e.command, timestamp: e.seconds * 1000 })),
        );
      }),
    );
  });
});

describe("damaged bash history", () => {
  it("replaces bytes that are not UTF-8 and goes on", () => {
    const data = Buffer.concat([
      Buffer.from("echo manuten"),
      Buffer.from([0xe7, 0xe3]),
      Buffer.from("o\nls\n"),
    ]);
    expect(parseBashHistory(data).commands.map((c) => c.command)).toEqual([
      "echo manuten\ufffd\ufffdo",
      "ls",
    ]);
  });

  it("skips a block of NUL bytes, as a power cut leaves it", () => {
    const data = Buffer.concat([Buffer.from("ls\n"), Buffer.alloc(4096), Buffer.from("\npwd\n")]);
    expect(parseBashHistory(data)).toMatchObject({
      commands: [{ command: "ls" }, { command: "pwd", line: 3 }],
      skipped: [{ line: 2, reason: expect.stringContaining("NUL") }],
    });
  });

  it("takes a command of 1 MiB and skips a longer one", () => {
    const largest = "é".repeat(512 * 1024);
    expect(parse(`${largest}\n${largest}x\nls\n`)).toMatchObject({
      commands: [{ line: 1 }, { command: "ls" }],
      skipped: [{ line: 2, reason: "the command has 1048577 bytes; at most 1048576 are taken" }],
    });
  });

  it("is quick on a megabyte of blank lines inside a command", () => {
    expect(parse(`#1700000000\nls${"\n".repeat(500_000)}x\n`).commands).toHaveLength(1);
  });
});
