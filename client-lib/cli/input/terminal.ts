import path from "node:path";
import type { Terminal } from "../context.ts";

export interface TerminalOptions {
  input: NodeJS.ReadableStream;
  output: NodeJS.WritableStream;
  /** A shell command that edits the file it is given; undefined where none is configured. */
  editor: string | undefined;
}

/** The person at the terminal. What it takes to ask them is loaded when they are asked. */
export function createTerminal({ input, output, editor }: TerminalOptions): Terminal {
  return {
    async ask(question) {
      const { createInterface } = await import("node:readline/promises");
      // One for each question: in between, the terminal belongs to an editor.
      const lines = createInterface({ input, output });
      try {
        return await new Promise<string | null>((resolve) => {
          const end = (): void => {
            resolve(null);
          };
          // Ctrl-D and Ctrl-C close it, and the question is then never answered.
          lines.once("close", end);
          lines.question(question).then(resolve, end);
        });
      } finally {
        lines.close();
      }
    },
    edit: editor === undefined ? null : (text) => edit(editor, text),
  };
}

/** @throws Error where the editor fails */
async function edit(editor: string, text: string): Promise<string> {
  const { mkdtemp, readFile, rm, writeFile } = await import("node:fs/promises");
  const { tmpdir } = await import("node:os");
  // Nobody else may enter it.
  const folder = await mkdtemp(path.join(tmpdir(), "historyctl-"));
  try {
    const file = path.join(folder, "merge.txt");
    await writeFile(file, text, { mode: 0o600 });
    await runEditor(editor, file);
    return await readFile(file, "utf8");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runEditor(editor: string, file: string): Promise<void> {
  const { spawn } = await import("node:child_process");
  // By the shell, as git does: it may have options (`code --wait`).
  const running = spawn("/bin/sh", ["-c", `${editor} "$@"`, editor, file], { stdio: "inherit" });
  await new Promise<void>((resolve, reject) => {
    running.once("error", reject);
    running.once("close", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`the editor '${editor}' ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}
