import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseShellHistory } from "../../../client-lib/import/parse-shell-history.ts";
import { detectShell, type ShellKind } from "../../../client-lib/import/shell-history.ts";
import { shellCommand } from "./arbitraries.ts";
import { writeBash, writeFish, writeZsh } from "./writers.ts";

const SHELLS: ShellKind[] = ["bash", "zsh", "fish"];
const detect = (name: string, text: string) => detectShell(name, Buffer.from(text));

describe("detectShell", () => {
  it.each([
    ["/home/ana/.bash_history", "ls\n", "bash"],
    ["/home/ana/.zsh_history", "ls\n", "zsh"],
    ["/home/ana/.zhistory", "", "zsh"],
    ["/home/ana/.histfile", "ls\n", "zsh"],
    ["/home/ana/.local/share/zsh/history", ": 1700000000:0;ls\n", "zsh"],
    ["/home/ana/.local/share/fish/fish_history", "", "fish"],
    ["/home/bash/history", "ls\n", "bash"],
    ["history", "\n: 1700000000:0;ls\n", "zsh"],
    ["history", "\ufeff- cmd: ls\r\n  when: 1\r\n", "fish"],
    ["history", "ls\n#1700000000\r\npwd\n", "bash"],
    ["history", "", "bash"],
  ])("%s", (name, text, shell) => {
    expect(detect(name, text)).toBe(shell);
  });

  it("believes an unmistakable first line more than the name", () => {
    expect(detect(".bash_history", ": 1700000000:0;ls\n")).toBe("zsh");
    expect(detect(".zsh_history", "#1700000000\nls\n")).toBe("bash");
  });

  it("believes the name more than the inside of a command", () => {
    expect(detect(".bash_history", "cat > play.yml <<E\n- cmd: uptime\nE\n")).toBe("bash");
  });
});

describe("parseShellHistory", () => {
  it("never throws, whatever the bytes, and numbers lines in order", () => {
    const anyBytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc
        .tuple(
          fc.array(fc.record({ command: shellCommand, seconds: fc.constant(1_700_000_000) })),
          fc.nat(),
          fc.nat(255),
        )
        .chain(([entries, at, byte]) =>
          fc.constantFrom(writeBash(entries), writeZsh(entries), writeFish(entries)).map((file) => {
            if (file.length > 0) file[at % file.length] = byte;
            return file;
          }),
        ),
    );
    fc.assert(
      fc.property(anyBytes, fc.constantFrom(...SHELLS), (data, shell) => {
        const { commands, skipped } = parseShellHistory(shell, data);
        const lines = commands.map((c) => c.line);
        expect(lines).toEqual(lines.toSorted((a, b) => a - b));
        expect(commands.every((c) => c.command.trim() !== "" && !/\p{Surrogate}/u.test(c.command))).toBe(
          true,
        );
        expect(skipped.every((s) => s.line >= 1 && s.reason !== "")).toBe(true);
      }),
    );
  });

  it("gives no command for an empty file", () => {
    for (const shell of SHELLS) {
      expect(parseShellHistory(shell, Buffer.alloc(0))).toEqual({ commands: [], skipped: [] });
    }
  });

  it("reads the demo's commands", () => {
    const data = readFileSync(new URL("../../demo/sample-commands.txt", import.meta.url));
    const { commands, skipped } = parseShellHistory(detectShell("sample-commands.txt", data), data);
    expect(skipped).toEqual([]);
    expect(commands.length).toBeGreaterThanOrEqual(280);
    expect(new Set(commands.map((c) => c.command)).size).toBe(commands.length);
  });
});
