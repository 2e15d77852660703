import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SyncStatus } from "../../client-lib/protocol/sync.ts";
import { SyncFailedError } from "../../daemon/sync/failure.ts";
import { type Api, createApi, START_MS } from "./api.ts";

describe("without a remote", () => {
  let api: Api;
  beforeAll(async () => {
    api = await createApi({ user: "ana" });
    await api.add({ command: "one" });
    const { id } = await api.add({ command: "two" });
    await api.call("DELETE", `/v1/history/${id}`);
    api.clock.ms = START_MS + 1234;
  });
  afterAll(() => api.close());

  it("GET /v1/stats has exactly what the assistant reads", async () => {
    expect(await api.call("GET", "/v1/stats")).toEqual({
      status: 200,
      body: {
        uploaded: 0,
        downloaded: 0,
        conflicts: 0,
        errors: 0,
        cache: { total: 1, synced: 0, pending: 1 },
        lastSync: null,
        isSyncing: false,
      },
    });
  });

  it("GET /v1/health says who answers", async () => {
    const body = { status: "ok", version: "1.2.3", pid: 42, uptime_ms: 1234 };
    expect(await api.call("GET", "/v1/health")).toEqual({ status: 200, body });
  });

  it("GET /v1/status has everything on one page", async () => {
    const { status, body } = await api.call("GET", "/v1/status");
    expect(status).toBe(200);
    expect(body).toMatchObject({
      started_at: START_MS,
      uptime_ms: 1234,
      user: "ana",
      machine: { id: "machine-a" },
      cache: { total: 1, synced: 0, pending: 1, schema_version: expect.any(Number) },
      sync: { enabled: false, state: "waiting", remote: null, pending: 2 },
    });
    expect(body.cache.size).toBeGreaterThan(0);
  });

  it("GET /v1/sync says that it is off and why, POST that there is nothing to do it with", async () => {
    const { body } = await api.call("GET", "/v1/sync");
    expect(body).toMatchObject({ enabled: false, state: "waiting", reason: "no remote is configured" });
    expect(await api.call("POST", "/v1/sync")).toEqual({
      status: 409,
      body: { statusCode: 409, code: "HD_SYNC_OFF", error: "Conflict", message: "no remote is configured" },
    });
  });
});

describe("with a remote", () => {
  const report = {
    uploaded: 1,
    downloaded: 2,
    conflicts: 3,
    requests: 4,
    duration_ms: 5.5,
    serverRev: 6,
    firstSync: null,
  };
  const status: SyncStatus = {
    enabled: true,
    state: "synced",
    reason: null,
    remote: "https://db.example",
    interval_ms: 30_000,
    last_sync: START_MS,
    last_attempt: START_MS,
    next_attempt: START_MS + 30_000,
    consecutive_failures: 0,
    last_error: { code: "HD_REMOTE_BUSY", message: "the remote cannot serve now", at: START_MS },
    pending: 7,
    parked: 0,
    set_aside: 0,
    oldest_pending: null,
    cursor: 6,
    remote_rev: 6,
    last_cycle: { uploaded: 1, downloaded: 2, conflicts: 3, requests: 4, duration_ms: 5.5 },
    first_sync: { progress: 0.25, from: 8, below: 6 },
    stalled: { since: START_MS, reason: "it does not move" },
    last_reconcile: null,
  };
  const totals = { uploaded: 10, downloaded: 20, conflicts: 30, errors: 40 };

  it("passes on what sync says", async () => {
    const api = await createApi({
      sync: { status: () => status, totals: () => totals, syncNow: () => Promise.resolve(report) },
    });
    expect((await api.call("GET", "/v1/sync")).body).toEqual(status);
    expect((await api.call("GET", "/v1/stats")).body).toEqual({
      ...totals,
      cache: { total: 0, synced: 0, pending: 0 },
      lastSync: START_MS,
      isSyncing: false,
    });
    const { serverRev: _, firstSync: __, ...answer } = report;
    expect(await api.call("POST", "/v1/sync")).toEqual({
      status: 200,
      body: { ...answer, state: "synced", pending: 7, first_sync: status.first_sync },
    });
    await api.close();
  });

  it.each([
    ["HD_REMOTE_UNREACHABLE", 503, "HD_SYNC_FAILED"],
    ["HD_STOPPING", 503, "HD_STOPPING"],
    ["HD_INTERNAL", 503, "HD_SYNC_FAILED"],
  ])("a cycle that fails with %s is %d %s, with the reason", async (code, statusCode, expected) => {
    const syncNow = () => Promise.reject(new SyncFailedError("unreachable", code, "it cannot be reached"));
    const logged: unknown[] = [];
    const api = await createApi({
      sync: { status: () => status, totals: () => totals, syncNow },
      onError: (fields) => logged.push(fields),
    });
    const answer = await api.call("POST", "/v1/sync");
    expect(answer).toMatchObject({ status: statusCode, body: { code: expected } });
    expect(answer.body.message).toContain("it cannot be reached");
    // Being offline is no fault, and the loop has said it already.
    expect(logged).toEqual([]);
    await api.close();
  });
});

describe("GET /v1/health", () => {
  it("asks for no more than it answers", async () => {
    const api = await createApi({
      ownStatus: () => {
        throw new Error("one part of the status fails");
      },
    });
    expect(await api.call("GET", "/v1/health")).toMatchObject({ status: 200, body: { pid: 42 } });
    await api.close();
  });

  it("is a 503 while the cache cannot answer", async () => {
    const api = await createApi();
    const other = new Database(join(api.machine.home, "cache.db"));
    other.exec("ALTER TABLE counts RENAME TO gone");
    expect(await api.call("GET", "/v1/health")).toMatchObject({ status: 503, body: { code: "HD_STORAGE" } });
    other.close();
    await api.close();
  });
});
