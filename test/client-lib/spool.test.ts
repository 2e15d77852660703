import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createSpool, SpoolError } from "../../client-lib/spool.ts";
import { startProcess } from "../support/processes.ts";
import { tempDir } from "../support/temp.ts";

function spoolIn(): { folder: string; home: string; spool: ReturnType<typeof createSpool> } {
  const { path: home, remove } = tempDir("sp");
  onTestFinished(remove);
  const folder = path.join(home, "new", "spool");
  return { folder, home, spool: createSpool(() => folder) };
}

/** The complete lines of every file, by file. */
function read(folder: string): Record<string, string[]> {
  return Object.fromEntries(
    readdirSync(folder).map((name) => [
      name,
      readFileSync(path.join(folder, name), "utf8").split("\n").slice(0, -1),
    ]),
  );
}

test("one file of this process, private, with a line an entry", async () => {
  const { folder, spool } = spoolIn();
  await spool.append([{ command: "one\ntwo" }]);
  await spool.append([{ command: "ç" }, { command: "日本" }]);
  const [[name, lines], ...others] = Object.entries(read(folder)) as [[string, string[]], ...unknown[]];
  expect(others).toEqual([]);
  expect(name).toMatch(new RegExp(`^client-${process.pid}-[0-9a-f]{16}\\.jsonl$`));
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { v: 1, entry: { command: "one\ntwo" } },
    { v: 1, entry: { command: "ç" } },
    { v: 1, entry: { command: "日本" } },
  ]);
  expect(statSync(path.join(folder, name)).mode & 0o777).toBe(0o600);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
});

test("many at once: whole lines in the order of the calls", async () => {
  const { folder, spool } = spoolIn();
  const commands = Array.from({ length: 200 }, (_, index) => `command ${index}`);
  await Promise.all(commands.map((command) => spool.append([{ command }])));
  const lines = Object.values(read(folder)).flat();
  expect(lines.map((line) => (JSON.parse(line) as { entry: { command: string } }).entry.command)).toEqual(
    commands,
  );
});

test.for(["renamed", "removed"])("a file that the daemon has %s is not written to again", async (what) => {
  const { folder, spool } = spoolIn();
  await spool.append([{ command: "one" }]);
  const [first = ""] = readdirSync(folder);
  const file = path.join(folder, first);
  if (what === "renamed") renameSync(file, `${file}.retired`);
  else rmSync(file);
  await spool.append([{ command: "two" }]);
  const { [`${first}.retired`]: _retired, ...now } = read(folder);
  expect(Object.keys(now)).not.toContain(first);
  expect(Object.values(now)).toEqual([['{"v":1,"entry":{"command":"two"}}']]);
});

test("a folder that cannot be written: an error that says so, and nothing is remembered of it", async () => {
  const { folder, spool } = spoolIn();
  mkdirSync(path.dirname(folder));
  writeFileSync(folder, "a file in its place");
  const error = await spool.append([{ command: "one" }]).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SpoolError);
  expect(error).toMatchObject({ code: "HD_SPOOL" });
  expect((error as Error).message).toMatch(/stored nowhere.*(EEXIST|ENOTDIR)/);
  rmSync(folder);
  await spool.append([{ command: "two" }]);
  expect(Object.values(read(folder)).flat()).toEqual(['{"v":1,"entry":{"command":"two"}}']);
});

test("without a home folder there is no spool, and that is an error like any other", async () => {
  const spool = createSpool(() => {
    throw new Error("neither HISTORYD_HOME nor HOME is set");
  });
  await expect(spool.append([{ command: "one" }])).rejects.toThrow(/stored nowhere.*HISTORYD_HOME/);
});

test("after a write that came short, the next line goes to a new file", async () => {
  const { folder } = spoolIn();
  const script = `
    import { createSpool } from ${JSON.stringify(path.resolve(import.meta.dirname, "../../dist/client-lib/spool.js"))};
    const spool = createSpool(() => ${JSON.stringify(folder)});
    for (const [index, size] of [300, 300, 900, 300].entries()) {
      await spool.append([{ command: index + " " + "x".repeat(size) }]).then(
        () => console.log(index, "stored"),
        (error) => console.log(index, error.code, error.message),
      );
    }
  `;
  // A limit on the size of a file breaks a write in two as a full disk does: 1 kB fits, the rest is refused.
  const program = `ulimit -f 1 && exec "$0" --input-type=module -e "$1"`;
  const running = await startProcess("bash", ["-c", program, process.execPath, script]);
  await running.exited;
  expect(running.stdout).toEqual([
    "0 stored",
    "1 stored",
    expect.stringMatching(/^2 HD_SPOOL .*stored nowhere.*no space left/),
    "3 stored",
  ]);
  const files = readdirSync(folder).map((name) => readFileSync(path.join(folder, name), "utf8"));
  const byStart = files.toSorted((a, b) => b.length - a.length);
  expect(byStart).toHaveLength(2);
  expect(byStart[0]).toHaveLength(1024);
  expect(byStart[1]).toMatch(/^\{"v":1,"entry":\{"command":"3 x{300}"\}\}\n$/);
});
