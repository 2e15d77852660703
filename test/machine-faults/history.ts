import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { runProgram } from "../daemon/program.ts";
import { startDaemon, type TestDaemon } from "../support/daemon.ts";
import type { Running } from "../support/processes.ts";
import { tempDir } from "../support/temp.ts";

/** A home folder with a history, whose daemon has ended, and what it had acknowledged. */
export interface History {
  readonly home: string;
  readonly cache: string;
  readonly log: string;
  /** Commands by id, oldest first. */
  readonly acknowledged: ReadonlyMap<string, string>;
}

export interface HistoryOptions {
  readonly count?: number;
  /** Given: the folder to make it in. */
  readonly home?: string;
  /** `stop` moves the log into the database, `kill` leaves everything in the log. */
  readonly end: "stop" | "kill";
}

export async function makeHistory({ count = 40, home: given, end }: HistoryOptions): Promise<History> {
  const home = given ?? newHome();
  const daemon = await startDaemon({ home });
  onTestFinished(daemon.close);
  const acknowledged = new Map<string, string>();
  for (let index = 0; index < count; index++) {
    const command = `kept ${index} ${"x".repeat(1000)}`;
    const { status, body } = await daemon.request("POST", "/v1/history", { command });
    expect(status).toBe(201);
    acknowledged.set(body.id as string, command);
  }
  expect((await daemon.request("GET", "/v1/search?q=kept")).status).toBe(200);
  await daemon[end]();
  const cache = join(home, "cache.db");
  return { home, cache, log: `${cache}-wal`, acknowledged };
}

export function newHome(): string {
  const { path, remove } = tempDir("hd");
  onTestFinished(remove);
  return path;
}

/** Starts a daemon, which must answer. */
export async function start(home: string, env: Readonly<Record<string, string>> = {}): Promise<TestDaemon> {
  const daemon = await startDaemon({ home, env });
  onTestFinished(daemon.close);
  return daemon;
}

/** The start is refused, as often as it is tried, with one line; no file's content is touched by it. */
export async function expectRefused(
  home: string,
  line: RegExp,
  files: readonly string[] = [],
): Promise<void> {
  const before = files.map(contentOf);
  for (let time = 0; time < 2; time++) {
    const { code, stdout, stderr } = await runProgram(home);
    expect(stderr).toEqual([expect.stringMatching(line)]);
    expect(stderr[0]).toMatch(/^historyd: \S/);
    expect([stdout, code]).toEqual([[], expect.toBeOneOf([1, 2])]);
  }
  expect(files.map(contentOf)).toEqual(before);
}

/** Null for what is no plain file. */
function contentOf(file: string): string | null {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true
    ? readFileSync(file).toString("base64")
    : null;
}

/** Everything that was acknowledged is there, and new entries are taken. */
export async function expectAllKept(
  home: string,
  { acknowledged }: Pick<History, "acknowledged">,
): Promise<void> {
  const daemon = await start(home);
  const { body } = await daemon.request("GET", "/v1/history?limit=1000");
  const there = new Map(
    body.entries.map(({ id, command }: { id: string; command: string }) => [id, command]),
  );
  expect([...acknowledged].filter(([id, command]) => there.get(id) !== command)).toEqual([]);
  expect(await daemon.request("POST", "/v1/history", { command: "afterwards" })).toMatchObject({
    status: 201,
  });
  await daemon.stop();
}

/** The first line of what a process said that shows its code. */
export function stackTraceIn({ stdout, stderr }: Pick<Running, "stdout" | "stderr">): string | undefined {
  return [...stdout, ...stderr].find((line) => /\bat .*\.js:\d+/.test(line));
}
