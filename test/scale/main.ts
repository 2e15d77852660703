import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { packageRoot } from "../../client-lib/package-root.ts";
import { machineToText, readMachineFacts } from "../bench/machine.ts";
import { type Arguments, HELP, parseScaleArguments } from "./arguments.ts";
import { runToFigures } from "./figures.ts";
import { runScale } from "./run.ts";
import { scaleToText } from "./text.ts";
import { brokenPromises, lossesOf, targetsOf } from "./verdict.ts";

/** `npm run scale`: see `HELP`. */

const RESULTS = path.join(packageRoot, "bench-results");

// Whatever was started or made is ended and removed by handlers of 'exit', which a signal alone would not run.
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));

await main();

async function main(): Promise<void> {
  let wanted: Arguments;
  try {
    wanted = parseScaleArguments(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`scale: ${(error as Error).message}\n`);
    process.exitCode = 2;
    return;
  }
  if (wanted.help) process.stdout.write(HELP);
  else process.exitCode = await measure(wanted);
}

/** @returns the exit status */
async function measure({ help: _help, json, ...options }: Arguments): Promise<number> {
  const startedAt = new Date().toISOString();
  const machine = readMachineFacts();
  const run = await runScale(options, showProgress);
  const figures = runToFigures(run, options);
  const losses = lossesOf(run);
  const targets = targetsOf(figures, run, options);
  const broken = brokenPromises(run);
  const { entries, edits, server, caches } = run;
  const report = { format: 1, started_at: startedAt, machine, options, entries, edits, losses, broken };
  const text = `${JSON.stringify({ ...report, targets, ...figures, differing: { server, caches } }, null, 2)}\n`;
  const file = path.join(RESULTS, `scale-${startedAt.replaceAll(/[:.]/g, "-")}.json`);
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(file, text);
  if (json) process.stdout.write(text);
  else {
    process.stdout.write(`${machineToText(machine)}\n`);
    process.stdout.write(`${scaleToText(figures, losses, targets, run, options)}\n`);
    process.stdout.write(`Written to ${file}\n`);
  }
  for (const sentence of broken) process.stderr.write(`scale: ${sentence}\n`);
  return broken.length === 0 ? 0 : 1;
}

/** One line that is written over again and again; nothing where nobody watches. */
function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`);
}
