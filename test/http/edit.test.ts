import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { RESTORE_WINDOW_MS } from "../../client-lib/protocol/limits.ts";
import type { Entry } from "../../client-lib/protocol/entry.ts";
import { type Api, createApi } from "./api.ts";

let api: Api;
let entry: Entry;
let url: string;
beforeAll(async () => {
  api = await createApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  entry = await api.add({ command: "original", response: "answer", tags: ["a"] });
  url = `/v1/history/${entry.id}`;
  api.clock.ms += 1000;
});

const UNKNOWN = "/v1/history/0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33";
const isListed = async (): Promise<boolean> =>
  (await api.call("GET", "/v1/history")).body.entries.some(({ id }: Entry) => id === entry.id);

describe("PATCH /v1/history/:id", () => {
  it.each([
    { command: "changed" },
    { response: "changed" },
    { response: null },
    { tags: ["b", "c"] },
    { tags: [] },
    { note: "changed" },
    { pinned: true },
    { scope: "machine" },
    { command: "all", response: "at", tags: ["once"], note: "!", pinned: true, scope: "user" },
  ])("changes %j and nothing else", async (patch) => {
    const { status, body } = await api.call("PATCH", url, patch);
    expect(status).toBe(200);
    expect(body).toEqual({ ...entry, ...patch, updated_at: api.clock.ms });
    expect((await api.call("GET", url)).body).toEqual(body);
  });

  it("changes nothing, not even the time, where all is as it was", async () => {
    expect(await api.call("PATCH", url, { command: "original", tags: ["a"], pinned: false })).toEqual({
      status: 200,
      body: entry,
    });
  });

  it.each(["id", "kind", "user", "timestamp", "exit_code", "machine_id", "deleted_at", "context", "rev"])(
    "refuses %s, which cannot change",
    async (name) => {
      const answer = await api.call("PATCH", url, { note: "x", [name]: null });
      expect(answer).toMatchObject({ status: 400, body: { code: "HD_INVALID" } });
      expect(answer.body.message).toContain(`'${name}' is unknown`);
      expect((await api.call("GET", url)).body).toEqual(entry);
    },
  );

  it("finds the new text and no longer the old one", async () => {
    await api.call("PATCH", url, { command: "ipsum", response: null, tags: ["lorem"] });
    const found = async (q: string): Promise<string[]> =>
      (await api.call("GET", `/v1/search?q=${q}`)).body.results.map(({ id }: Entry) => id);
    expect(await found("ipsum")).toEqual([entry.id]);
    expect(await found("lorem")).toEqual([entry.id]);
    expect(await found("original")).not.toContain(entry.id);
  });
});

describe("DELETE and restore", () => {
  it("hides the entry from lists, searches and counts, and keeps it readable by its id", async () => {
    const before = (await api.call("GET", "/v1/stats")).body.cache.total;
    const { status, body } = await api.call("DELETE", url);
    expect(status).toBe(200);
    expect(body).toEqual({ ...entry, deleted_at: api.clock.ms, updated_at: api.clock.ms });
    expect(await isListed()).toBe(false);
    expect((await api.call("GET", url)).body).toEqual(body);
    expect((await api.call("GET", "/v1/stats")).body.cache.total).toBe(before - 1);
  });

  it("keeps the time of the first delete when it is repeated", async () => {
    const first = await api.call("DELETE", url);
    api.clock.ms += 5000;
    expect(await api.call("DELETE", url)).toEqual(first);
  });

  it("refuses to edit what is deleted, and says what to do", async () => {
    await api.call("DELETE", url);
    const answer = await api.call("PATCH", url, { note: "x" });
    expect(answer).toMatchObject({ status: 409, body: { code: "HD_DELETED" } });
    expect(answer.body.message).toContain(`POST ${url}/restore`);
  });

  it("restores within the window, to the millisecond", async () => {
    await api.call("DELETE", url);
    api.clock.ms += RESTORE_WINDOW_MS;
    const answer = await api.call("POST", `${url}/restore`);
    expect(answer).toMatchObject({ status: 200, body: { deleted_at: null, command: "original" } });
    expect(await isListed()).toBe(true);
  });

  it("refuses to restore after the window, and leaves it deleted", async () => {
    const { body } = await api.call("DELETE", url);
    api.clock.ms += RESTORE_WINDOW_MS + 1;
    const answer = await api.call("POST", `${url}/restore`);
    expect(answer).toMatchObject({ status: 410, body: { code: "HD_RESTORE_EXPIRED" } });
    expect(answer.body.message).toContain("30 days");
    expect((await api.call("GET", url)).body).toEqual(body);
  });

  it("restores what was never deleted by changing nothing", async () => {
    expect(await api.call("POST", `${url}/restore`)).toEqual({ status: 200, body: entry });
  });

  it("answers a repeated POST of a deleted entry with the entry, still deleted", async () => {
    await api.call("DELETE", url);
    const again = await api.call("POST", "/v1/history", { id: entry.id, command: "original" });
    expect(again).toMatchObject({ status: 200, body: { deleted_at: api.clock.ms } });
  });
});

it.each([
  ["GET", UNKNOWN],
  ["PATCH", UNKNOWN],
  ["DELETE", UNKNOWN],
  ["POST", `${UNKNOWN}/restore`],
] as const)("%s of an unknown id is 404 and names it", async (method, unknown) => {
  const { status, body } = await api.call(method, unknown, method === "PATCH" ? { note: "x" } : undefined);
  expect(status).toBe(404);
  expect(body.code).toBe("HD_NOT_FOUND");
  expect(body.message).toContain("0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33");
});
