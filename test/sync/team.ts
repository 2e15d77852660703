import { cpSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, onTestFinished } from "vitest";
import type { Row } from "../../daemon/remote/executor.ts";
import { createLibsqlExecutor } from "../../daemon/remote/libsql.ts";
import { type Answer, type DaemonOptions, startDaemon, type TestDaemon } from "../support/daemon.ts";
import { tempDir } from "../support/temp.ts";

/** What makes a daemon one of a team that synchronises only when it is asked, so that a test decides when. */
export function teamEnv(url: string, env: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { TURSO_DATABASE_URL: url, HISTORYD_SYNC_OFFLINE_MODE: "always", ...env };
}

/** A daemon of the team, which ends with the test. */
export async function member(
  url: string,
  options: Pick<DaemonOptions, "home" | "env"> = {},
): Promise<TestDaemon> {
  const { home, env } = options;
  const started = await startDaemon({
    ...(home === undefined ? {} : { home }),
    env: teamEnv(url, env),
  });
  onTestFinished(started.close);
  return started;
}

/** A folder that is removed with the test. Short, as a socket may lie in it. */
export function folder(): string {
  const temp = tempDir("hd");
  onTestFinished(temp.remove);
  return temp.path;
}

/** What a backup of a stopped daemon's home has, and what it puts back. The socket is nothing to copy. */
export function copyHome(from: string, to: string): void {
  cpSync(from, to, { recursive: true, filter: (file) => !file.startsWith(join(from, "run")) });
}

export async function record(on: TestDaemon, command: string): Promise<string> {
  const { status, body } = await on.request("POST", "/v1/history", { command });
  expect(status).toBe(201);
  return body.id as string;
}

export async function recordMany(on: TestDaemon, prefix: string, count: number): Promise<void> {
  const entries = Array.from({ length: count }, (_, i) => ({ command: `${prefix} ${i}` }));
  expect((await on.request("POST", "/v1/history/batch", { entries })).status).toBe(201);
}

export async function edit(on: TestDaemon, id: string, note: string): Promise<void> {
  expect(await on.request("PATCH", `/v1/history/${id}`, { note })).toMatchObject({ status: 200 });
}

/** One cycle, after which nothing is left to send. */
export async function sync(on: TestDaemon): Promise<Answer["body"]> {
  const { status, body } = await on.request("POST", "/v1/sync");
  expect({ status, body }).toMatchObject({ status: 200, body: { pending: 0 } });
  return body;
}

export const syncStatus = async (of: TestDaemon) => (await of.request("GET", "/v1/sync")).body;
export const entry = async (of: TestDaemon, id: string) =>
  (await of.request("GET", `/v1/history/${id}`)).body;
export const machineId = async (of: TestDaemon): Promise<string> =>
  (await of.request("GET", "/v1/status")).body.machine.id;

/** All commands here, sorted. */
export async function commands(of: TestDaemon): Promise<string[]> {
  const all: string[] = [];
  let cursor = "";
  do {
    const { body } = await of.request("GET", `/v1/history?limit=1000${cursor}`);
    all.push(...body.entries.map(({ command }: { command: string }) => command));
    cursor = body.next_cursor === null ? "" : `&cursor=${body.next_cursor}`;
  } while (cursor !== "");
  return all.toSorted();
}

export async function found(on: TestDaemon, words: string): Promise<number> {
  const { status, body } = await on.request("GET", `/v1/search?q=${encodeURIComponent(words)}`);
  expect(status).toBe(200);
  return body.results.length as number;
}

/** What the daemon warned of, or worse. */
export function warnings(of: TestDaemon): string[] {
  return of.process.stderr
    .map((line) => JSON.parse(line) as { level: number; msg: string })
    .filter(({ level }) => level >= 40)
    .map(({ msg }) => msg);
}

/** Runs SQL on the remote, as somebody with a database shell does. */
export async function onRemote(url: string, sql: string): Promise<Row[]> {
  const executor = createLibsqlExecutor({ url, token: () => null, timeoutMs: 10_000 });
  try {
    const [rows] = await executor.batch("write", [{ sql, args: [] }], AbortSignal.timeout(10_000));
    return rows!;
  } finally {
    executor.close();
  }
}

/** What is on the remote: commands, sorted. @throws where a revision stands for two records */
export async function remoteCommands(url: string): Promise<string[]> {
  const rows = await onRemote(
    url,
    "SELECT rev, body ->> '$.command' AS command FROM records WHERE kind = 'history' AND purged_at IS NULL",
  );
  expect(new Set(rows.map(({ rev }) => rev)).size).toBe(rows.length);
  return rows.map(({ command }) => String(command)).toSorted();
}

/** Runs SQL in a cache behind its daemon's back. */
export function inCache(home: string, sql: string): void {
  const cache = new Database(join(home, "cache.db"), { fileMustExist: true });
  try {
    cache.exec(sql);
  } finally {
    cache.close();
  }
}
