#!/usr/bin/env node
import { text } from "node:stream/consumers";
import { createTerminal } from "./input/terminal.ts";
import { run } from "./run.ts";

// Whoever reads us may have seen enough (`historyctl list | head`): that is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
}

const { env, stdin, stdout, stderr } = process;
const takesColor = !env["NO_COLOR"] && env["TERM"] !== "dumb";

// Set rather than passed to exit(): what is written to a pipe must arrive first.
process.exitCode = await run(process.argv.slice(2), {
  env,
  cwd: () => process.cwd(),
  now: Date.now,
  readInput: () => text(stdin),
  terminal:
    stdin.isTTY && stdout.isTTY
      ? createTerminal({ input: stdin, output: stdout, editor: env["VISUAL"] || env["EDITOR"] || undefined })
      : null,
  out: {
    write: (chunk) => void stdout.write(chunk),
    width: stdout.isTTY && stdout.columns > 0 ? stdout.columns : toWidth(env["COLUMNS"]),
    color: stdout.isTTY && takesColor,
  },
  err: { write: (chunk) => void stderr.write(chunk), isTerminal: stderr.isTTY },
});

/** Scripts and tests say how wide they want it; nobody is told so by accident, as shells do not export COLUMNS. */
function toWidth(columns: string | undefined): number | null {
  const width = Number(columns);
  return Number.isInteger(width) && width > 0 ? width : null;
}
