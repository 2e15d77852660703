import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MAX_BATCH_ENTRIES } from "../../client-lib/protocol/limits.ts";
import { type Api, createApi } from "./api.ts";

let api: Api;
beforeEach(async () => {
  api = await createApi();
});
afterEach(() => api.close());

const post = (entries: unknown) => api.call("POST", "/v1/history/batch", { entries });
const total = async (): Promise<number> => (await api.call("GET", "/v1/stats")).body.cache.total;
const id = (serial: number): string => `0197a3f2-8c1e-7b52-9c55-${String(serial).padStart(12, "0")}`;
const numbered = (count: number) =>
  Array.from({ length: count }, (_, serial) => ({ id: id(serial), command: `command ${serial}` }));

describe("POST /v1/history/batch", () => {
  it("stores all in the order in which they came", async () => {
    const { status, body } = await post([
      { command: "a" },
      { command: "b", scope: "user" },
      { command: "c" },
    ]);
    expect(status).toBe(201);
    expect(body.created).toBe(3);
    expect(body.entries.map(({ command }: { command: string }) => command)).toEqual(["a", "b", "c"]);
    expect(await total()).toBe(3);
  });

  it("takes the largest batch, again without storing anything twice, and refuses a larger one", async () => {
    const largest = numbered(MAX_BATCH_ENTRIES);
    expect(await post(largest)).toMatchObject({ status: 201, body: { created: 1000 } });
    expect(await post(largest)).toMatchObject({ status: 200, body: { created: 0 } });
    const larger = await post(numbered(MAX_BATCH_ENTRIES + 1));
    expect(larger).toMatchObject({ status: 400, body: { code: "HD_INVALID" } });
    expect(larger.body.message).toMatch(/body\.entries.*1000/);
    expect(await total()).toBe(1000);
  });

  it("answers 201 where only some are new, and counts them", async () => {
    await post(numbered(2));
    expect(await post(numbered(5))).toMatchObject({ status: 201, body: { created: 3 } });
  });

  it("stores nothing when one id is taken by other content", async () => {
    await api.add({ id: id(7), command: "was here before" });
    const { status, body } = await post(numbered(10));
    expect(status).toBe(409);
    expect(body.code).toBe("HD_ID_TAKEN");
    expect(body.message).toContain(id(7));
    expect(await total()).toBe(1);
    expect(await api.call("GET", `/v1/history/${id(0)}`)).toMatchObject({ status: 404 });
    expect((await api.call("GET", "/v1/search?q=command")).body.results).toEqual([]);
    expect((await api.call("GET", "/v1/sync")).body.pending).toBe(1);
  });

  it("stores nothing when one entry is invalid, and says which", async () => {
    const entries: object[] = numbered(10);
    entries[7] = { command: "x", exit_code: "0" };
    const { status, body } = await post(entries);
    expect(status).toBe(400);
    expect(body.message).toBe('body.entries.7.exit_code: expected integer or null, got "0"');
    expect(await total()).toBe(0);
  });

  it("takes the same id and content twice in one batch for one entry", async () => {
    const [entry] = numbered(1);
    const { status, body } = await post([entry, entry]);
    expect(status).toBe(201);
    expect(body.created).toBe(1);
    expect(body.entries[1]).toEqual(body.entries[0]);
    expect(await total()).toBe(1);
  });

  it("refuses the same id with two contents in one batch", async () => {
    const answer = await post([
      { id: id(1), command: "a" },
      { id: id(1), command: "b" },
    ]);
    expect(answer).toMatchObject({ status: 409, body: { code: "HD_ID_TAKEN" } });
    expect(await total()).toBe(0);
  });

  it("lets a write that comes at the same time through when it fails itself", async () => {
    await api.add({ id: id(1), command: "was here before" });
    const [batch, single] = await Promise.all([
      post(numbered(5)),
      api.call("POST", "/v1/history", { command: "alone" }),
    ]);
    expect(batch.status).toBe(409);
    expect(single.status).toBe(201);
    expect(await total()).toBe(2);
  });
});
