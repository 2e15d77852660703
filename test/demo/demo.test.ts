import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { packageRoot } from "../../client-lib/package-root.ts";
import { type Running, startProcess } from "../support/processes.ts";
import { tempDir } from "../support/temp.ts";

const program = join(packageRoot, "dist/test/demo/main.js");

/** Runs the demo as a person with an empty home, or with what the test put there. */
async function demo(args: string[] = [], prepare: (home: string) => void = () => undefined) {
  const home = tempDir("hd");
  const temp = tempDir("hd");
  onTestFinished(home.remove);
  onTestFinished(temp.remove);
  prepare(home.path);
  const running = await startProcess(process.execPath, [program, ...args], {
    env: { PATH: process.env["PATH"] ?? "", HOME: home.path, TMPDIR: temp.path },
  });
  onTestFinished(async () => {
    await running.stop("SIGKILL");
  });
  return { running, home: home.path, temp: temp.path };
}

/** Processes whose command line or environment names the folder: whatever the demo started has it. */
function processesOf(folder: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) =>
      ["cmdline", "environ"].some((file) => {
        try {
          return readFileSync(`/proc/${pid}/${file}`, "latin1").includes(folder);
        } catch {
          return false;
        }
      }),
    );
}

const output = (running: Running): string => [...running.stdout, ...running.stderr].join("\n");

test("it shows the main job with the samples, exits 0, and leaves no process and no file behind", async () => {
  const { running, temp } = await demo();
  expect(await running.exited).toEqual({ code: 0, signal: null });
  const text = output(running);
  expect(text).toMatch(/imported \d{3} commands from the samples/);
  expect(text).toMatch(/B searched "espaco configuracao" and found: Como libero/);
  expect(text).toMatch(/A is offline and keeps 1 record/);
  expect(text).toMatch(/B has it\s+\d+ ms/);
  expect(processesOf(temp)).toEqual([]);
  expect(readdirSync(temp)).toEqual([]);
});

test("it imports the person's own history and changes nothing of it", async () => {
  const history = "#1700000000\nls -la\n#1700000001\nfor i in 1 2\ndo echo $i\ndone\n";
  const { running, home } = await demo([], (folder) => {
    writeFileSync(join(folder, ".bash_history"), history);
  });
  expect(await running.exited).toEqual({ code: 0, signal: null });
  expect(output(running)).toContain(`imported 2 commands from ${home}/.bash_history`);
  expect(readdirSync(home)).toEqual([".bash_history"]);
  expect(readFileSync(join(home, ".bash_history"), "utf8")).toBe(history);
});

const hasCurl = spawnSync("curl", ["--version"]).status === 0;

test.skipIf(!hasCurl)(
  "needs curl: with --keep, what it prints to try works, and Ctrl-C ends it",
  async () => {
    const { running, temp } = await demo(["--keep"]);
    await running.waitForLine(/Ctrl-C ends everything/, 30_000);
    const lines = running.stdout.map((line) => line.trim());
    const commands = lines.filter((line) => /^(A=|B=|curl )/.test(line)).join("\n");
    const shell = await startProcess("bash", ["-euc", `cd ${packageRoot}\n${commands}`]);
    expect(await shell.exited).toEqual({ code: 0, signal: null });
    expect(shell.stdout.join("\n")).toContain('"snippet":"<mark>uptime</mark>"');
    running.signal("SIGINT");
    expect(await running.exited).toEqual({ code: 0, signal: null });
    expect(processesOf(temp)).toEqual([]);
    expect(readdirSync(temp)).toEqual([]);
  },
);
