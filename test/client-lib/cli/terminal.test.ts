import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { PassThrough } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { createTerminal } from "../../../client-lib/cli/input/terminal.ts";
import { tempDir } from "../../support/temp.ts";

function createStreams() {
  const input = new PassThrough();
  const output = new PassThrough();
  return { input, output, shown: () => String(output.read() ?? "") };
}

test("a question is shown, and answered by a line; one after another", async () => {
  const { input, output, shown } = createStreams();
  const terminal = createTerminal({ input, output, editor: undefined });
  expect(terminal.edit).toBeNull();
  const first = terminal.ask("first? ");
  input.write("yes\n");
  expect(await first).toBe("yes");
  const second = terminal.ask("second? ");
  input.write("\n");
  expect(await second).toBe("");
  expect(shown()).toBe("first? second? ");
});

test("an input that ends answers nothing", async () => {
  const { input, output } = createStreams();
  const answer = createTerminal({ input, output, editor: undefined }).ask("? ");
  input.end();
  expect(await answer).toBeNull();
});

test("the editor gets a file that is the user's alone, and nothing stays of it", async () => {
  const folder = tempDir("historyctl-editor");
  onTestFinished(folder.remove);
  const script = path.join(folder.path, "my editor");
  const seen = path.join(folder.path, "seen");
  writeFileSync(
    script,
    `#!/bin/sh\necho "$2" > "${seen}"\nstat -c %a "$2" >> "${seen}"\necho "$1" >> "$2"\n`,
    {
      mode: 0o755,
    },
  );
  const terminal = createTerminal({ ...createStreams(), editor: `'${script}' --wait` });
  expect(await terminal.edit!("both\n")).toBe("both\n--wait\n");
  const [file = "", mode] = readFileSync(seen, "utf8").split("\n");
  expect(mode).toBe("600");
  expect([existsSync(file), existsSync(path.dirname(file))]).toEqual([false, false]);
  expect(statSync(script).isFile()).toBe(true);
});

test("an editor that fails, or is none, says so", async () => {
  for (const [editor, message] of [
    ["exit 3;", "ended with exit code 3"],
    ["/nowhere/editor", "ended with exit code 127"],
    ["kill -9 $$;", "ended with SIGKILL"],
  ] as const) {
    const terminal = createTerminal({ ...createStreams(), editor });
    await expect(terminal.edit!("x")).rejects.toThrow(message);
  }
});
