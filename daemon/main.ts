#!/usr/bin/env node
import { existsSync, readFileSync } from "node:fs";
import { version } from "../client-lib/package-root.ts";
import { loadConfig } from "./config/config.ts";
import { ensurePrivateFile } from "./config/files.ts";
import { helpText, parseFlags } from "./config/flags.ts";
import { ConfigError } from "./config/setting.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import { createLog } from "./system/log.ts";

/** Exit codes: documented in the README, for scripts and units. */
const EXIT = { failed: 1, config: 2, alreadyRunning: 3 } as const;

const STDERR = 2;

try {
  await main();
} catch (error) {
  process.stderr.write(`historyd: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(toExitCode(error));
}

async function main(): Promise<void> {
  const command = parseFlags(process.argv.slice(2));
  if (command.kind === "help") {
    process.stdout.write(helpText());
    return;
  }
  if (command.kind === "version") {
    process.stdout.write(`${version}\n`);
    return;
  }
  // Whatever this process creates is its user's alone.
  process.umask(0o077);
  const userId = process.getuid?.() ?? 0;
  const config = loadConfig({
    env: process.env,
    flags: command.flags,
    readFile: (file) => readPrivateFile(file, userId),
    exists: existsSync,
  });
  const log = createLog({
    ...config.log,
    fd: STDERR,
    isTerminal: process.stderr.isTTY,
    journalStream: process.env.JOURNAL_STREAM,
  });
  process.on("uncaughtException", (error) => {
    try {
      log.fatal({ err: error }, "an unexpected error; historyd ends, and what was acknowledged is safe");
    } finally {
      // Whatever logging does: thrown from here, an error would end the process with another code.
      process.exit(EXIT.failed);
    }
  });

  const starting = startDaemon({
    config,
    log,
    pid: process.pid,
    userId,
    nodeVersion: process.version,
    memory: () => process.memoryUsage(),
  });
  stopOnSignal(starting, log.info.bind(log));
  await starting;
}

/** The first signal drains, the second ends at once. */
function stopOnSignal(starting: Promise<Daemon>, say: (message: string) => void): void {
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(signal === "SIGINT" ? 130 : 143);
    stopping = true;
    say(`${signal}: finishing what is under way; once more ends at once`);
    void starting
      .then((daemon) => daemon.stop())
      .then(
        () => process.exit(0),
        () => process.exit(EXIT.failed),
      );
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
}

function readPrivateFile(file: string, userId: number): string | null {
  try {
    ensurePrivateFile(file, userId);
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? "error";
    // ENOTDIR: what is wrong with the folder is said when it is prepared.
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw new ConfigError(`${file}: cannot be read (${code})`, { cause: error });
  }
}

function toExitCode(error: unknown): number {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : null;
  if (code === "HD_CONFIG") return EXIT.config;
  if (code === "HD_ALREADY_RUNNING") return EXIT.alreadyRunning;
  return EXIT.failed;
}
