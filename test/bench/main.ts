import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { packageRoot } from "../../client-lib/package-root.ts";
import { createTeardown } from "../../daemon/system/teardown.ts";
import { type Arguments, helpText, parseArguments } from "./arguments.ts";
import type { Row } from "./bench.ts";
import { machineToText, readMachineFacts } from "./machine.ts";
import type { RowReport } from "./report.ts";
import { durableWrite } from "./rows/n1-durable-write.ts";
import { read } from "./rows/n2-read.ts";
import { throughput } from "./rows/n3-throughput.ts";
import { sync } from "./rows/n6-sync.ts";
import { firstSync } from "./rows/n7-first-sync.ts";
import { rowToText } from "./table.ts";

const ROWS: readonly Row[] = [durableWrite, read, throughput, sync, firstSync];
const RESULTS = path.join(packageRoot, "bench-results");

// Whatever was started or made is stopped and removed by handlers of 'exit', which a signal alone would not run.
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));

await main();

async function main(): Promise<void> {
  const ids = ROWS.map(({ id }) => id);
  let wanted: Arguments;
  try {
    wanted = parseArguments(process.argv.slice(2), ids);
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n`);
    process.exitCode = 2;
    return;
  }
  if (wanted.help) process.stdout.write(helpText(ids));
  else await measure(wanted);
}

async function measure(wanted: Arguments): Promise<void> {
  const startedAt = new Date().toISOString();
  const say = wanted.json ? (): void => {} : (text: string): void => console.log(`${text}\n`);
  const machine = readMachineFacts();
  say(machineToText(machine));
  const rows: (RowReport & Pick<Row, "id" | "title">)[] = [];
  for (const row of ROWS.filter(({ id }) => wanted.rows.includes(id))) {
    const report = await runRow(row, wanted);
    rows.push({ id: row.id, title: row.title, ...report });
    say(rowToText(row.id, row.title, report));
  }
  const { quick, rounds } = wanted;
  const text = `${JSON.stringify({ format: 1, started_at: startedAt, quick, rounds, machine, rows }, null, 2)}\n`;
  const file = path.join(RESULTS, `${startedAt.replaceAll(/[:.]/g, "-")}.json`);
  mkdirSync(RESULTS, { recursive: true });
  for (const target of [file, path.join(RESULTS, "latest.json")]) writeFileSync(target, text);
  if (wanted.json) process.stdout.write(text);
  say(
    `Each value is the median of ${rounds} rounds; in brackets, the least and the greatest.\nWritten to ${file}`,
  );
}

/** Runs one row, and stops and removes whatever it started and made, however it ends. */
async function runRow(row: Row, { quick, rounds, cpuProfile }: Arguments): Promise<RowReport> {
  const teardown = createTeardown();
  try {
    return await row.run({
      quick,
      rounds,
      daemonNodeArgs: cpuProfile ? ["--cpu-prof", `--cpu-prof-dir=${RESULTS}`] : [],
      step: (text) => {
        showProgress(`${row.id}  ${text}`);
      },
      onEnd: teardown.add,
    });
  } finally {
    showProgress(`${row.id}  stopping`);
    await teardown.run((name, error) => {
      process.stderr.write(`bench: ${name} did not stop cleanly: ${String(error)}\n`);
    });
    showProgress("");
  }
}

/** One line that is written over again and again; nothing where nobody watches. */
function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`);
}
