import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Reconciliation } from "../../client-lib/protocol/reconcile.ts";
import { SyncFailedError } from "../../daemon/sync/failure.ts";
import { type Api, createApi, START_MS } from "./api.ts";

const RESULT: Reconciliation = {
  started_at: START_MS,
  reason: "asked",
  content: true,
  repair: false,
  outcome: "differs",
  compared: 10,
  local: { count: 9, digest: "aa" },
  remote: { count: 10, digest: "bb" },
  missing_here: 1,
  missing_there: 0,
  differing: 0,
  mended: 0,
  requests: 3,
  duration_ms: 1.5,
  error: null,
};

describe("POST /v1/sync/reconcile", () => {
  const asked: object[] = [];
  let api: Api;
  beforeAll(async () => {
    api = await createApi({
      sync: {
        reconcile(options) {
          asked.push(options);
          return Promise.resolve(RESULT);
        },
        reconciliations: (limit) => Array.from({ length: 50 }, () => RESULT).slice(0, limit),
      },
    });
  });
  afterAll(() => api.close());

  it.each([
    [undefined, { content: false, repair: true }],
    [{}, { content: false, repair: true }],
    [{ content: true }, { content: true, repair: true }],
    [
      { content: true, repair: false },
      { content: true, repair: false },
    ],
  ])("%j asks for %j, and answers with the result", async (body, expected) => {
    expect(await api.call("POST", "/v1/sync/reconcile", body)).toEqual({ status: 200, body: RESULT });
    expect(asked.at(-1)).toEqual(expected);
  });

  it.each([
    [{ content: "yes" }, 'body.content: expected boolean, got "yes"'],
    [{ content: null }, "body.content: expected boolean, got null"],
    [{ mend: true }, "body: 'mend' is unknown; expected only content, repair"],
    [[], "body: expected object, got an array"],
    ["null", "body: expected object, got null"],
  ])("%j is refused", async (body, message) => {
    const before = asked.length;
    expect(await api.call("POST", "/v1/sync/reconcile", body)).toMatchObject({
      status: 400,
      body: { code: "HD_INVALID", message },
    });
    expect(asked).toHaveLength(before);
  });

  it("GET has the last ones", async () => {
    const all = (await api.call("GET", "/v1/sync/reconcile")).body.reconciliations;
    expect(all).toHaveLength(20);
    expect(all[0]).toEqual(RESULT);
    expect((await api.call("GET", "/v1/sync/reconcile?limit=3")).body.reconciliations).toHaveLength(3);
  });
});

it("is a 409 where sync is off, with no comparisons", async () => {
  const api = await createApi();
  expect(await api.call("POST", "/v1/sync/reconcile")).toMatchObject({
    status: 409,
    body: { code: "HD_SYNC_OFF" },
  });
  expect((await api.call("GET", "/v1/sync/reconcile")).body).toEqual({ reconciliations: [] });
  await api.close();
});

it("is a 503 where it failed, with the reason", async () => {
  const reconcile = () => Promise.reject(new SyncFailedError("busy", "HD_REMOTE_BUSY", "it is busy"));
  const api = await createApi({ sync: { reconcile } });
  expect(await api.call("POST", "/v1/sync/reconcile", {})).toMatchObject({
    status: 503,
    body: { code: "HD_SYNC_FAILED", message: "HD_REMOTE_BUSY: it is busy" },
  });
  await api.close();
});
