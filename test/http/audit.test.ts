import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addConflict } from "../support/conflicts.ts";
import { type Api, createApi, START_MS } from "./api.ts";

let api: Api;
let ids: string[];
beforeAll(async () => {
  api = await createApi({ user: "ana" });
  ids = [];
  for (const command of ["first", "second"]) ids.push((await api.add({ command })).id);
  const conflict = await addConflict(api.machine.store, ids[0]!);
  const [one, two] = ids.map((id) => `/v1/history/${id}`);
  const calls = [
    ["PATCH", one, { note: "secret", tags: ["secret"] }],
    ["DELETE", two],
    ["POST", `${two}/restore`],
    ["POST", `/v1/sync/conflicts/${conflict}/resolve`, { choice: "local" }],
    ["POST", `${one}/purge`],
  ] as const;
  for (const [method, path, body] of calls) {
    api.clock.ms += 1000;
    const { status } = await api.call(method, path!, body);
    if (status !== 200) throw new Error(`${method} ${path}: ${status}`);
  }
});
afterAll(() => api.close());

const actions = async (query: string): Promise<string[]> => {
  const { status, body } = await api.call("GET", `/v1/audit?${query}`);
  expect(status).toBe(200);
  return body.events.map(({ action }: { action: string }) => action);
};

describe("GET /v1/audit", () => {
  it("says who changed what, and no value", async () => {
    const { body } = await api.call("GET", "/v1/audit");
    expect(body).toMatchObject({
      events: [
        { seq: 5, action: "purge", record_id: ids[0], details: {} },
        { seq: 4, action: "resolve", record_id: ids[0], details: { field: "note", choice: "local" } },
        { seq: 3, action: "restore", record_id: ids[1], details: {} },
        { seq: 2, action: "delete", record_id: ids[1], details: {} },
        {
          seq: 1,
          at: START_MS + 1000,
          action: "edit",
          record_kind: "history",
          record_id: ids[0],
          machine_id: "machine-a",
          user: "ana",
          details: { fields: ["tags", "note"] },
        },
      ],
      next_cursor: null,
    });
    expect(JSON.stringify(body)).not.toContain("secret");
  });

  it("is filtered and paged", async () => {
    expect(await actions(`record=${ids[1]!.toUpperCase()}`)).toEqual(["restore", "delete"]);
    expect(await actions("action=purge")).toEqual(["purge"]);
    expect(await actions("action=nothing")).toEqual([]);
    expect(await actions(`since=${START_MS + 4000}`)).toEqual(["purge", "resolve"]);
    expect(await actions(`record=${ids[0]}&since=${START_MS + 2000}&limit=1`)).toEqual(["purge"]);
    const first = await api.call("GET", "/v1/audit?limit=2");
    expect(await actions(`limit=3&cursor=${first.body.next_cursor}`)).toEqual(["restore", "delete", "edit"]);
    expect((await api.call("GET", "/v1/audit?limit=5")).body.next_cursor).toBeNull();
  });
});
