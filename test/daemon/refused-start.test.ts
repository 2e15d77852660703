import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { tempDir } from "../support/temp.ts";
import { runProgram } from "./program.ts";

let home: string;
beforeEach(() => {
  const temp = tempDir("hd");
  onTestFinished(temp.remove);
  home = temp.path;
});

const isRoot = process.getuid!() === 0;
const run = (args: string[] = [], env: Record<string, string> = {}) => runProgram(home, args, env);

describe("a start that is refused", () => {
  it.each<[string, number, RegExp, () => Parameters<typeof run>]>([
    ["an unknown flag", 2, /Unknown option '--colour'/, () => [["--colour"]]],
    ["a bad variable", 2, /HISTORY_MODE: expected one of .*got "all"/, () => [[], { HISTORY_MODE: "all" }]],
    ["an unknown variable", 2, /unknown variable HISTORYD_COLOUR/, () => [[], { HISTORYD_COLOUR: "red" }]],
    [
      "no home at all",
      2,
      /neither HISTORYD_HOME nor HOME is set/,
      () => [[], { HOME: "", HISTORYD_HOME: "" }],
    ],
    [
      "a bad config.json",
      2,
      /config\.json: sync\.interval: expected a whole number .*got "soon"/,
      () => {
        writeFileSync(join(home, "config.json"), '{"sync":{"interval":"soon"}}', { mode: 0o600 });
        return [];
      },
    ],
    [
      "a config.json that others can write",
      2,
      /config\.json: others can write to it/,
      () => {
        writeFileSync(join(home, "config.json"), "{}");
        chmodSync(join(home, "config.json"), 0o666);
        return [];
      },
    ],
    [
      "a home that is a file",
      2,
      /file: the folder cannot be made \(EEXIST/,
      () => {
        writeFileSync(join(home, "file"), "");
        return [[], { HISTORYD_HOME: join(home, "file") }];
      },
    ],
    [
      "a home that others can write",
      2,
      /others can write to it \(mode 0777\)/,
      () => {
        chmodSync(home, 0o777);
        return [];
      },
    ],
    [
      "a bad machine id",
      2,
      /machine-id: expected one id/,
      () => {
        writeFileSync(join(home, "machine-id"), "two words", { mode: 0o600 });
        return [];
      },
    ],
    [
      "a socket path that is too long",
      1,
      /107 bytes; set HISTORYD_SOCKET/,
      () => [["--socket", join(home, "x".repeat(100))]],
    ],
    [
      "another kind of file at the socket's path",
      1,
      /expected a socket or nothing/,
      () => {
        mkdirSync(join(home, "run", "historyd.sock"), { recursive: true, mode: 0o700 });
        return [];
      },
    ],
  ])("for %s says so in one line, with exit code %d", async (_, expected, problem, given) => {
    const { code, stdout, stderr } = await run(...given());
    expect(stderr.join("\n")).toMatch(problem);
    expect(stderr).toEqual([expect.stringMatching(/^historyd: \S/)]);
    expect(stdout).toEqual([]);
    expect(code).toBe(expected);
    expect(existsSync(join(home, "cache.db-wal"))).toBe(false);
  });

  it.skipIf(!isRoot)("for a home of somebody else (skipped: needs root)", async () => {
    chownSync(home, 54_321, 54_321);
    const { code, stderr } = await run();
    expect(stderr).toEqual([expect.stringMatching(/^historyd: .*belongs to user 54321, historyd runs as 0/)]);
    expect(code).toBe(2);
  });
});
