import { beforeEach, expect, onTestFinished, test } from "vitest";
import { type Answer, startDaemon, type TestDaemon } from "../support/daemon.ts";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.ts";
import { waitFor } from "../support/processes.ts";
import { type Sqld, startSqld } from "../support/sqld.ts";
import { tempDir } from "../support/temp.ts";

let sqld: Sqld;
beforeEach(async () => {
  sqld = await startSqld();
  onTestFinished(sqld.close);
});

/** A daemon that synchronises only when it is asked, unless told otherwise, so that a test decides when. */
async function daemon(url: string, env: Record<string, string> = {}, home?: string): Promise<TestDaemon> {
  const started = await startDaemon({
    ...(home === undefined ? {} : { home }),
    env: { TURSO_DATABASE_URL: url, HISTORYD_SYNC_OFFLINE_MODE: "always", ...env },
  });
  onTestFinished(started.close);
  return started;
}

async function proxied(): Promise<FaultProxy> {
  const proxy = await startFaultProxy({ targetPort: sqld.port });
  onTestFinished(proxy.close);
  return proxy;
}

async function record(on: TestDaemon, command: string): Promise<string> {
  const { status, body } = await on.request("POST", "/v1/history", { command });
  expect(status).toBe(201);
  return body.id as string;
}

async function recordMany(on: TestDaemon, prefix: string, count: number): Promise<void> {
  const entries = Array.from({ length: count }, (_, i) => ({ command: `${prefix} ${i}` }));
  expect((await on.request("POST", "/v1/history/batch", { entries })).status).toBe(201);
}

async function sync(on: TestDaemon): Promise<Answer["body"]> {
  const { status, body } = await on.request("POST", "/v1/sync");
  expect({ status, body }).toMatchObject({ status: 200 });
  return body;
}

const stats = async (of: TestDaemon) => (await of.request("GET", "/v1/stats")).body;
const state = async (of: TestDaemon) => (await of.request("GET", "/v1/sync")).body;

async function commands(of: TestDaemon): Promise<string[]> {
  const all: string[] = [];
  let cursor = "";
  do {
    const { body } = await of.request("GET", `/v1/history?limit=1000${cursor}`);
    all.push(...body.entries.map((entry: { command: string }) => entry.command));
    cursor = body.next_cursor === null ? "" : `&cursor=${body.next_cursor}`;
  } while (cursor !== "");
  return all;
}

test("what one machine records the other one finds by search", async () => {
  const [a, b] = [await daemon(sqld.url), await daemon(sqld.url)];
  await a.request("POST", "/v1/history", {
    kind: "chat",
    command: "como vejo a configuração de rede?",
    response: "Use ip addr",
  });
  await sync(a);
  await sync(b);
  const { body } = await b.request("GET", "/v1/search?q=configuracao%20rede");
  expect(body.results).toHaveLength(1);
  expect(body.results[0]).toMatchObject({ response: "Use ip addr", source: "global", sync: "synced" });
});

test("a thousand entries each way arrive whole", async () => {
  const [a, b] = [await daemon(sqld.url), await daemon(sqld.url)];
  await recordMany(a, "from a", 1000);
  await recordMany(b, "from b", 1000);
  expect(await sync(a)).toMatchObject({ uploaded: 1000 });
  expect(await sync(b)).toMatchObject({ uploaded: 1000, downloaded: 1000 });
  expect(await sync(a)).toMatchObject({ downloaded: 1000, pending: 0 });
  const [onA, onB] = [await commands(a), await commands(b)];
  expect(new Set(onA).size).toBe(2000);
  expect(onA.toSorted()).toEqual(onB.toSorted());
  for (const one of [a, b]) {
    expect(await stats(one)).toMatchObject({ cache: { total: 2000, synced: 2000, pending: 0 }, errors: 0 });
  }
});

test("offline it records as ever, says so, and drains by itself when the remote is back", async () => {
  const proxy = await proxied();
  const quick = { HISTORYD_SYNC_OFFLINE_MODE: "auto", HISTORYD_SYNC_INTERVAL_MS: "200" };
  const a = await daemon(proxy.url, quick);
  const b = await daemon(sqld.url);
  await waitFor(async () => (await state(a)).state === "synced", { what: "the first cycle" });
  await proxy.set("refuse");
  for (let i = 0; i < 20; i++) await record(a, `offline ${i}`);
  await waitFor(async () => (await state(a)).state === "offline", { what: "state offline" });
  expect(await state(a)).toMatchObject({ pending: 20, last_error: { code: "HD_REMOTE_UNREACHABLE" } });
  await proxy.set("pass");
  await waitFor(async () => (await stats(a)).cache.pending === 0, { what: "an empty queue" });
  await sync(b);
  expect(await commands(b)).toHaveLength(20);
});

test("killed between the server's commit and its answer: sent again, nothing lost, nothing doubled", async () => {
  const proxy = await proxied();
  const home = tempDir("hd");
  onTestFinished(home.remove);
  const a = await daemon(proxy.url, {}, home.path);
  await sync(a);
  await recordMany(a, "in doubt", 50);
  const lost = proxy.dropNextResponse((body) => body.includes("INSERT INTO records"));
  const asked = a.request("POST", "/v1/sync").catch(() => null);
  await lost.dropped;
  await a.kill();
  await asked;

  const again = await daemon(proxy.url, {}, home.path);
  expect((await stats(again)).cache).toEqual({ total: 50, synced: 0, pending: 50 });
  await sync(again);
  expect((await stats(again)).cache).toEqual({ total: 50, synced: 50, pending: 0 });
  const b = await daemon(sqld.url);
  await sync(b);
  expect((await commands(b)).toSorted()).toEqual((await commands(again)).toSorted());
});

test("an answer that is lost: the cycle fails, the next one finds the work done", async () => {
  const proxy = await proxied();
  const a = await daemon(proxy.url);
  await sync(a);
  const id = await record(a, "once");
  const lost = proxy.dropNextResponse((body) => body.includes("INSERT INTO records"));
  expect(await a.request("POST", "/v1/sync")).toMatchObject({
    status: 503,
    body: { code: "HD_SYNC_FAILED" },
  });
  await lost.dropped;
  expect(await sync(a)).toMatchObject({ uploaded: 1, pending: 0 });
  expect((await a.request("GET", `/v1/history/${id}`)).body).toMatchObject({ rev: 1, sync: "synced" });
});

test("killed while it pulls: the page and its cursor are one, and the rest follows", async () => {
  const a = await daemon(sqld.url);
  for (let i = 0; i < 3; i++) await recordMany(a, `page ${i}`, 1000);
  await sync(a);
  const proxy = await proxied();
  const home = tempDir("hd");
  onTestFinished(home.remove);
  const b = await daemon(proxy.url, {}, home.path);
  await proxy.set({ latencyMs: 20 });
  const asked = b.request("POST", "/v1/sync").catch(() => null);
  await waitFor(async () => (await stats(b)).cache.total >= 500, { what: "a first page" });
  await b.kill();
  await asked;
  await proxy.set("pass");
  const again = await daemon(proxy.url, {}, home.path);
  const before = (await stats(again)).cache.total;
  expect(before).toBeGreaterThanOrEqual(500);
  expect(before % 500).toBe(0);
  expect(await sync(again)).toMatchObject({ downloaded: 3000 - before });
  expect(new Set(await commands(again)).size).toBe(3000);
});

test("the server is killed and comes back: both machines go on", async () => {
  const [a, b] = [await daemon(sqld.url), await daemon(sqld.url)];
  await record(a, "before");
  await sync(a);
  await sqld.kill();
  await record(a, "meanwhile");
  expect(await a.request("POST", "/v1/sync")).toMatchObject({ status: 503 });
  await sqld.restart();
  await sync(a);
  await sync(b);
  expect((await commands(b)).toSorted()).toEqual(["before", "meanwhile"]);
});

test("a wrong token: state error, nothing lost, local work goes on, and the token is nowhere to be read", async () => {
  const locked = await startSqld({ jwt: true });
  onTestFinished(locked.close);
  const secret = locked.expiredToken();
  const a = await daemon(locked.url, { TURSO_AUTH_TOKEN: secret, HISTORYD_LOG_LEVEL: "trace" });
  await record(a, "still works");
  const failed = await a.request("POST", "/v1/sync");
  expect(failed).toMatchObject({ status: 503, body: { code: "HD_SYNC_FAILED" } });
  const status = await a.request("GET", "/v1/status");
  expect(status.body.sync).toMatchObject({ state: "error", last_error: { code: "HD_REMOTE_UNAUTHORIZED" } });
  const said = [JSON.stringify([failed.body, status.body]), ...a.process.stderr].join("\n");
  expect(said).toContain("HD_REMOTE_UNAUTHORIZED");
  expect(said).not.toContain(secret);
});

test("a token in a file is taken up when it is replaced, without a restart", async () => {
  const locked = await startSqld({ jwt: true });
  onTestFinished(locked.close);
  const folder = tempDir("hd");
  onTestFinished(folder.remove);
  const { writeFileSync } = await import("node:fs");
  const file = `${folder.path}/token`;
  writeFileSync(file, locked.expiredToken(), { mode: 0o600 });
  const a = await daemon(locked.url, { TURSO_AUTH_TOKEN_FILE: file });
  await record(a, "waits for a token");
  expect((await a.request("POST", "/v1/sync")).status).toBe(503);
  writeFileSync(file, `${locked.token()}\n`);
  expect(await sync(a)).toMatchObject({ uploaded: 1 });
});

test("an entry at the limits of its fields synchronises", async () => {
  const [a, b] = [await daemon(sqld.url), await daemon(sqld.url)];
  const entry = { command: "x\n".repeat(512 * 1024), response: '"\\ção'.repeat(400_000).slice(0, 1_800_000) };
  const { status, body } = await a.request("POST", "/v1/history", entry);
  expect(status).toBe(201);
  await sync(a);
  await sync(b);
  const arrived = (await b.request("GET", `/v1/history/${body.id}`)).body;
  expect(arrived.command === entry.command && arrived.response === entry.response).toBe(true);
});

test("without a remote it says how to get one, and everything else works", async () => {
  const a = await startDaemon();
  onTestFinished(a.close);
  await record(a, "alone");
  expect(await a.request("POST", "/v1/sync")).toMatchObject({
    status: 409,
    body: { code: "HD_SYNC_OFF", message: expect.stringContaining("TURSO_DATABASE_URL") as string },
  });
  expect(await stats(a)).toMatchObject({ cache: { total: 1, pending: 1 }, lastSync: null, isSyncing: false });
});
