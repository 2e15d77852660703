import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseBashHistory } from "../../../client-lib/import/bash.ts";
import { detectShell } from "../../../client-lib/import/shell-history.ts";

const COMMANDS = [
  'for i in 1 2\ndo\n  #42 um comentário\n  echo "ação $i"\n\ndone',
  "echo 'Ãõ 日本 🚀'",
  "cat <<FIM | sort\n#12ab\n: 1700000000:0;x\nFIM",
  "  printf '%s\\n' \\\n  a",
  "ls",
  "ls",
];

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "historyd-import-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function bash(args: string[], env: Record<string, string>, input = ""): Buffer {
  const file = join(folder, "history");
  const run = spawnSync("bash", args, {
    input,
    env: {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      HOME: folder,
      LC_ALL: "C.UTF-8",
      FILE: file,
      ...env,
    },
  });
  expect(run.error).toBeUndefined();
  return readFileSync(file);
}

// Without HISTFILE bash does not append the list to it again on exit. A shell that is not interactive heeds
// HISTTIMEFORMAT only when it is assigned, not when it is inherited.
const STORE_EACH =
  'unset HISTFILE; set -o history; ${TIMES:+eval HISTTIMEFORMAT=%F}; for c in "$@"; do history -s -- "$c"; done; history -w "$FILE"';

describe("a history file that bash itself wrote", () => {
  it("with timestamps comes back whole", () => {
    const beforeMs = Math.floor(Date.now() / 1000) * 1000;
    const data = bash(["--norc", "-c", STORE_EACH, "bash", ...COMMANDS], { TIMES: "1" });
    expect(detectShell("history", data)).toBe("bash");
    const report = parseBashHistory(data);
    expect(report.skipped).toEqual([]);
    expect(report.commands.map((c) => c.command)).toEqual(COMMANDS);
    for (const { timestamp } of report.commands) {
      expect(timestamp).toBeGreaterThanOrEqual(beforeMs);
      expect(timestamp).toBeLessThanOrEqual(Date.now());
    }
  });

  it("without timestamps comes back line by line", () => {
    const report = parseBashHistory(bash(["--norc", "-c", STORE_EACH, "bash", ...COMMANDS], {}));
    const lines = COMMANDS.join("\n").split("\n");
    expect(report.commands.map((c) => c.command)).toEqual(lines.filter((line) => line !== ""));
    expect(report.commands.every((c) => c.timestamp === null)).toBe(true);
    expect(report.skipped).toEqual([{ line: 5, reason: "the command is empty" }]);
  });

  it("from an interactive session comes back as typed", () => {
    const typed = [
      "shopt -s cmdhist lithist",
      'for i in 1 2\ndo\n  echo "olá $i"\ndone',
      "cat <<FIM\nlinha em branco abaixo\n\n#999 fim\nFIM",
      "echo 'manutenção'",
    ];
    const env = { HISTFILE: join(folder, "history"), HISTTIMEFORMAT: "%F ", HISTSIZE: "100", PS1: "" };
    const report = parseBashHistory(bash(["--norc", "-i"], env, `${typed.join("\n")}\nexit\n`));
    expect(report.skipped).toEqual([]);
    expect(report.commands.map((c) => c.command)).toEqual([...typed, "exit"]);
  });
});
