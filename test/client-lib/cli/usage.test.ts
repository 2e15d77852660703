import { describe, expect, test } from "vitest";
import { startProcess } from "../../support/processes.ts";
import { version } from "../../../client-lib/package-root.ts";
import { bareEnv } from "../../support/daemon.ts";
import { EXIT } from "../../../client-lib/cli/run.ts";
import { historyctl, historyctlProgram, runHere } from "./historyctl.ts";

const COMMANDS = ["status", "list", "search", "show", "add", "delete", "restore", "purge", "audit", "sync"];
/** Those of sync, which its own help names. */
const SYNC_COMMANDS = ["conflicts", "resolve", "verify", "reconcile"];

describe("help", () => {
  test("names the commands, examples and exit codes", async () => {
    for (const args of [["--help"], ["-h"], ["help"]]) {
      const { code, out, err } = await runHere(args, {});
      expect({ code, err }).toEqual({ code: 0, err: "" });
      for (const command of COMMANDS) expect(out).toMatch(new RegExp(`^ +${command}\\b`, "m"));
      for (const exit of Object.values(EXIT)) expect(out).toMatch(new RegExp(`^ +${exit} {2}\\w`, "m"));
    }
  });

  test("of sync names the commands it has", async () => {
    const { out } = await runHere(["sync", "--help"], {});
    for (const command of SYNC_COMMANDS) expect(out).toMatch(new RegExp(`^ +${command}\\b`, "m"));
  });

  const all = [...COMMANDS, ...SYNC_COMMANDS.map((command) => `sync ${command}`)];
  test.for(all)("of %s teaches with examples", async (command) => {
    const { code, out, err } = await runHere([...command.split(" "), "--help"], { width: 80 });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain(`Usage: historyctl ${command}`);
    const examples = out.slice(out.indexOf("Examples:")).match(/historyctl /g) ?? [];
    expect(examples.length).toBeGreaterThanOrEqual(2);
    for (const option of ["--json", "--socket", "--home", "--timeout"]) expect(out).toContain(option);
    for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  test("the version", async () => {
    expect(await runHere(["--version"], {})).toMatchObject({ code: 0, out: `${version}\n` });
  });
});

test.for([
  [[], /Usage: historyctl/],
  [["lst"], /^historyctl: unknown command 'lst' \(Did you mean list\?\)\nhistoryctl --help/],
  [["list", "--usr", "x"], /^historyctl: unknown option '--usr'.*--user.*\nhistoryctl list --help/],
  [["list", "extra"], /too many arguments/],
  [["search"], /missing required argument 'words'/],
  [["add"], /missing required argument 'command'/],
  [["add", "ls", "-la"], /unknown option '-la'/],
  [["add", ""], /the command is empty/],
  [["add", "-"], /the command is empty/],
  [["add", "-", "--response-file", "-"], /not both/],
  [["add", "x", "--response", "a", "--response-file", "b"], /cannot be used with/],
  [["add", "x", "--kind", "note"], /Allowed choices are command, chat/],
  [["add", "x", "--exit-code", "1.5"], /Expected a whole number/],
  [["list", "--limit", "0"], /from 1 to 1000/],
  [["search", "x", "--limit", "201"], /from 1 to 200/],
  [["list", "--since", "tomorrow"], /Expected a date/],
  [["list", "--mode", "mine"], /Allowed choices are global, user, machine, hybrid/],
  [["status", "--timeout", "soon"], /Expected a number/],
  [["sync", "now"], /too many arguments|unknown command/],
  [["sync", "--status", "--wait"], /cannot be used with/],
  [["sync", "verify", "extra"], /too many arguments[^]*sync verify --help/],
  [["sync", "reconcile", "extra"], /too many arguments[^]*sync reconcile --help/],
  [["sync", "reconcile", "--log", "--content"], /cannot be used with/],
  [["sync", "conflicts", "--limit", "1001"], /from 1 to 1000/],
  [["sync", "conflicts", "extra"], /too many arguments[^]*sync conflicts --help/],
  [["sync", "resolve"], /no terminal to ask on; use --auto, or --choice/],
  [["sync", "resolve", "9f1c03ab"], /no terminal to ask on/],
  [["sync", "resolve", "--choice", "local"], /--choice needs the id of a conflict/],
  [["sync", "resolve", "9f1c03ab", "--choice", "both"], /Allowed choices are local, remote, merge/],
  [["sync", "resolve", "9f1c03ab", "--choice", "merge"], /needs the merged value: --value/],
  [["sync", "resolve", "abcd", "1234", "--choice", "merge", "--value", "x"], /one conflict at a time/],
  [["sync", "resolve", "9f1c03ab", "--choice", "local", "--value", "x"], /--value goes with --choice merge/],
  [["sync", "resolve", "--auto", "--value", "x"], /--value goes with --choice merge/],
  [["sync", "resolve", "9f1c03ab", "--auto", "--choice", "local"], /cannot be used with/],
  [["purge", "9f1c03ab"], /no terminal to ask on; add --yes/],
  [["purge"], /missing required argument 'id'/],
  [["delete"], /missing required argument 'id'/],
  [["restore"], /missing required argument 'id'/],
  [["audit", "--since", "soon"], /Expected a date/],
  [["list", "--since", "\u001B[2J"], /'\\x1b\[2J' is invalid/],
] as const)("usage: %j", async ([args, message]) => {
  const ran = await runHere(args, { env: { HOME: "/nowhere" } });
  expect(ran).toMatchObject({ code: 2, out: "" });
  expect(ran.err).toMatch(message);
});

test("usage: --json where somebody would be asked", async () => {
  const terminal = { ask: () => Promise.resolve(null), edit: null };
  const ran = await runHere(["sync", "resolve", "--json"], { env: { HOME: "/nowhere" }, terminal });
  expect(ran).toMatchObject({ code: 2, out: "", err: expect.stringContaining("--json goes with") });
});

test("as a process: exit codes, and nothing on the wrong stream", async () => {
  const env = bareEnv("/nowhere");
  expect(await historyctl(["status"], { env })).toMatchObject({ code: 3, out: "" });
  expect(await historyctl(["nonsense"], { env })).toMatchObject({ code: 2, out: "" });
  expect(await historyctl(["--version"], { env })).toEqual({ code: 0, out: `${version}\n`, err: "" });
});

test("a reader that has seen enough ends it quietly", async () => {
  // The loop ends when nobody reads any more.
  const script = `{ trap '' PIPE; while printf . 2>/dev/null; do :; done; "$0" "$1" --help; echo "exit $?" >&2; } | true`;
  const running = await startProcess("bash", ["-c", script, process.execPath, historyctlProgram], {
    env: bareEnv("/nowhere"),
  });
  await running.exited;
  expect(running.stderr).toEqual(["exit 0"]);
});
