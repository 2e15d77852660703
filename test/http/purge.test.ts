import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Entry } from "../../client-lib/protocol/entry.ts";
import { addConflict } from "../support/conflicts.ts";
import { type Api, createApi } from "./api.ts";

let api: Api;
let entry: Entry;
let url: string;
beforeAll(async () => {
  api = await createApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  entry = await api.add({ command: "kubectl get secret", tags: ["a"] });
  url = `/v1/history/${entry.id}`;
});

describe("POST /v1/history/:id/purge", () => {
  it("erases the entry; again it answers the same", async () => {
    api.clock.ms += 1000;
    const answer = await api.call("POST", `/v1/history/${entry.id.toUpperCase()}/purge`);
    expect(answer).toEqual({ status: 200, body: { id: entry.id, purged_at: api.clock.ms } });
    api.clock.ms += 1000;
    expect(await api.call("POST", `${url}/purge`)).toEqual(answer);
    expect((await api.call("GET", "/v1/search?q=kubectl")).body.results).toEqual([]);
    expect((await api.call("GET", "/v1/history")).body.entries).toEqual([]);
    expect((await api.call("GET", "/v1/stats")).body.cache.total).toBe(0);
  });

  it("is not undone", async () => {
    await api.call("DELETE", url);
    expect((await api.call("POST", `${url}/purge`)).status).toBe(200);
    for (const [method, path, body] of [
      ["GET", url],
      ["PATCH", url, { note: "x" }],
      ["DELETE", url],
      ["POST", `${url}/restore`],
    ] as const) {
      const answer = await api.call(method, path, body);
      expect(answer).toMatchObject({ status: 404, body: { code: "HD_NOT_FOUND" } });
    }
    const again = await api.call("POST", "/v1/history", { id: entry.id, command: "kubectl get secret" });
    expect(again).toMatchObject({ status: 409, body: { code: "HD_GONE" } });
    const batch = await api.call("POST", "/v1/history/batch", { entries: [{ id: entry.id, command: "x" }] });
    expect(batch).toMatchObject({ status: 409, body: { code: "HD_GONE" } });
  });

  it("takes its conflicts along", async () => {
    const id = await addConflict(api.machine.store, entry.id);
    await api.call("POST", `${url}/purge`);
    expect((await api.call("GET", "/v1/sync/conflicts?state=all")).body.conflicts).toEqual([]);
    const answer = await api.call("POST", `/v1/sync/conflicts/${id}/resolve`, { choice: "local" });
    expect(answer).toMatchObject({ status: 404, body: { code: "HD_NOT_FOUND" } });
  });

  it("refuses what is unknown, no id, or sent with a body", async () => {
    const unknown = await api.call("POST", "/v1/history/0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33/purge");
    expect(unknown).toMatchObject({ status: 404, body: { code: "HD_NOT_FOUND" } });
    expect((await api.call("POST", "/v1/history/x/purge")).body.code).toBe("HD_INVALID");
    expect((await api.call("POST", `${url}/purge`, { sure: true })).body.code).toBe("HD_INVALID");
    expect((await api.call("GET", url)).status).toBe(200);
  });
});
