import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Entry } from "../../client-lib/protocol/entry.ts";
import { MAX_COMMAND_BYTES, MAX_RESPONSE_BYTES, MAX_TAGS } from "../../client-lib/protocol/limits.ts";
import { addConflict, type ConflictOptions } from "../support/conflicts.ts";
import { stamp } from "../support/store.ts";
import { type Api, createApi, START_MS } from "./api.ts";

let api: Api;
let entry: Entry;
beforeAll(async () => {
  api = await createApi({ user: "ana" });
});
afterAll(() => api.close());
beforeEach(async () => {
  entry = await api.add({ command: "make all", note: "remote note", tags: ["a"] });
});

const UNKNOWN = "0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33";
const add = (options: ConflictOptions = {}) => addConflict(api.machine.store, entry.id, options);
const list = (query = "") => api.call("GET", `/v1/sync/conflicts?record=${entry.id}${query}`);
const resolve = (id: string, body: unknown) => api.call("POST", `/v1/sync/conflicts/${id}/resolve`, body);
const current = async (): Promise<Entry> => (await api.call("GET", `/v1/history/${entry.id}`)).body;

describe("GET /v1/sync/conflicts", () => {
  it("shows both values, who wrote them when, and what the entry has", async () => {
    const id = await add({ base: "before", at: START_MS });
    const { status, body } = await list();
    expect(status).toBe(200);
    expect(body).toEqual({
      conflicts: [
        {
          id,
          record_id: entry.id,
          record_kind: "history",
          field: "note",
          base_value: "before",
          local_value: "local note",
          remote_value: "remote note",
          omitted: [],
          local_clock: expect.stringMatching(/^[0-9a-f]{12}-[0-9a-f]{4}-a{12}$/),
          remote_clock: expect.stringMatching(/^[0-9a-f]{12}-[0-9a-f]{4}-b{12}$/),
          local_at: START_MS - 2000,
          remote_at: START_MS - 1000,
          local_machine: "machine-a",
          remote_machine: "machine-b",
          winner: "remote",
          decided_by: "last_write_wins",
          current_value: "remote note",
          record_summary: "make all",
          timestamp: START_MS,
          resolved_at: null,
          resolution: null,
          resolved_by: null,
        },
      ],
      next_cursor: null,
    });
  });

  it.each<[ConflictOptions, object]>([
    [
      { field: "tags", local: ["ç"], remote: null },
      { local_value: ["ç"], remote_value: null, current_value: ["a"] },
    ],
    [
      { field: "pinned", local: true, remote: false },
      { local_value: true, current_value: false },
    ],
    [
      { field: "context", local: { a: [1, null] } },
      { local_value: { a: [1, null] }, current_value: null },
    ],
    [{ raw: { local_clock: "odd" } }, { local_clock: "odd", local_at: null }],
    [{ raw: { record_kind: "of-tomorrow" } }, { current_value: null, record_summary: null }],
  ])("says what %j says", async (options, expected) => {
    await add(options);
    expect((await list()).body.conflicts).toMatchObject([expected]);
  });

  it("has the open ones, newest first; others where they are asked for", async () => {
    const [old, young] = [await add({ at: 1 }), await add({ at: 2 })];
    const done = await add({ at: 3 });
    await resolve(done, { choice: "local" });
    const ids = async (query?: string): Promise<string[]> =>
      (await list(query)).body.conflicts.map(({ id }: { id: string }) => id);
    expect(await ids()).toEqual([young, old]);
    expect(await ids("&state=open")).toEqual([young, old]);
    expect(await ids("&state=resolved")).toEqual([done]);
    expect(await ids("&state=all")).toEqual([done, young, old]);
    const first = await list("&state=all&limit=2");
    expect(first.body.conflicts).toHaveLength(2);
    expect(await ids(`&state=all&cursor=${first.body.next_cursor}`)).toEqual([old]);
    const upper = await api.call("GET", `/v1/sync/conflicts?record=${entry.id.toUpperCase()}`);
    expect(upper.body.conflicts).toHaveLength(2);
    expect((await api.call("GET", `/v1/sync/conflicts?record=${UNKNOWN}`)).body.conflicts).toEqual([]);
  });
});

describe("POST /v1/sync/conflicts/:id/resolve", () => {
  it("gives the entry the chosen value, and answers with the conflict as it is now", async () => {
    const id = await add();
    api.clock.ms += 1000;
    const { status, body } = await resolve(id.toUpperCase(), { choice: "local" });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id,
      current_value: "local note",
      resolved_at: api.clock.ms,
      resolution: "local",
      resolved_by: "ana",
    });
    expect(await current()).toMatchObject({ note: "local note", updated_at: api.clock.ms });
    expect((await list()).body.conflicts).toEqual([]);
    expect((await list("&state=resolved")).body.conflicts).toEqual([body]);
    api.clock.ms += 1000;
    expect(await resolve(id, { choice: "local" })).toEqual({ status: 200, body });
    expect((await resolve(id, { choice: "remote" })).body).toMatchObject({
      current_value: "remote note",
      resolution: "remote",
      resolved_at: api.clock.ms,
    });
  });

  it.each<[string, unknown]>([
    ["note", "both"],
    ["note", null],
    ["command", "x".repeat(MAX_COMMAND_BYTES)],
    ["tags", ["a", "b"]],
    ["tags", []],
    ["pinned", true],
    ["scope", "machine"],
    ["exit_code", null],
    ["context", { a: 1 }],
    ["deleted_at", null],
    ["deleted_at", 5],
  ])("merges into what the field may hold: %s", async (field, value) => {
    const { status, body } = await resolve(await add({ field }), { choice: "merge", value });
    expect(status).toBe(200);
    expect(body.resolution).toBe("merge");
    const empty = Array.isArray(value) && value.length === 0;
    expect(JSON.stringify(body.current_value) === JSON.stringify(empty ? null : value)).toBe(true);
  });

  it.each<[string, unknown, number, string, string]>([
    ["note", 5, 400, "HD_INVALID", "body.value: expected string or null, got 5"],
    ["note", "x".repeat(65_537), 413, "HD_TOO_LARGE", "body.value: expected at most 65536 bytes, got more"],
    [
      "note",
      "\uD800",
      400,
      "HD_INVALID",
      "body.value: expected well-formed Unicode text, got half of a surrogate pair",
    ],
    ["command", "", 400, "HD_INVALID", "body.value: expected at least one character, got an empty text"],
    ["command", null, 400, "HD_INVALID", "body.value: expected string, got null"],
    [
      "command",
      "x".repeat(MAX_COMMAND_BYTES + 1),
      413,
      "HD_TOO_LARGE",
      "body.value: expected at most 1048576 bytes, got more",
    ],
    [
      "response",
      "x".repeat(MAX_RESPONSE_BYTES + 1),
      413,
      "HD_TOO_LARGE",
      "body.value: expected at most 3145728 bytes, got more",
    ],
    ["tags", "a", 400, "HD_INVALID", 'body.value: expected array, got "a"'],
    ["tags", null, 400, "HD_INVALID", "body.value: expected array, got null"],
    ["tags", ["a", 1], 400, "HD_INVALID", "body.value.1: expected string, got 1"],
    ["tags", ["a", "a"], 400, "HD_INVALID", "body.value: expected each item once, got one twice"],
    [
      "tags",
      Array.from({ length: MAX_TAGS + 1 }, String),
      400,
      "HD_INVALID",
      "body.value: must NOT have more than 64 items",
    ],
    ["pinned", 1, 400, "HD_INVALID", "body.value: expected boolean, got 1"],
    ["scope", "galaxy", 400, "HD_INVALID", 'body.value: expected one of global, user, machine, got "galaxy"'],
    ["deleted_at", "now", 400, "HD_INVALID", 'body.value: expected integer or null, got "now"'],
    ["deleted_at", -1, 400, "HD_INVALID", "body.value: must be >= 0, got -1"],
    [
      "hostname",
      "x",
      400,
      "HD_INVALID",
      "body.choice: expected 'local' or 'remote', as this field takes no other value",
    ],
    [
      "purged_at",
      5,
      400,
      "HD_INVALID",
      "body.choice: expected 'local' or 'remote', as this field takes no other value",
    ],
    [
      "__proto__",
      5,
      400,
      "HD_INVALID",
      "body.choice: expected 'local' or 'remote', as this field takes no other value",
    ],
  ])("refuses to merge %s into what it may not hold", async (field, value, status, code, message) => {
    const id = await add({ raw: { field } });
    const answer = await resolve(id, { choice: "merge", value });
    expect(answer.body.message).toBe(message);
    expect(answer).toMatchObject({ status, body: { code } });
    expect((await list()).body.conflicts).toMatchObject([{ id, resolved_at: null }]);
    expect(await current()).toEqual(entry);
  });

  it.each<[unknown, string]>([
    [{}, "body: 'choice' is missing"],
    [{ choice: "both" }, 'body.choice: expected one of local, remote, merge, got "both"'],
    [{ choice: "local", why: "x" }, "body: 'why' is unknown; expected only choice, value"],
    [{ choice: "merge" }, "body: 'value' is missing; 'merge' takes the value from there"],
    [
      { choice: "local", value: "x" },
      "body.value: 'local' takes the value from the conflict; send one with 'merge' only",
    ],
    [
      { choice: "remote", value: null },
      "body.value: 'remote' takes the value from the conflict; send one with 'merge' only",
    ],
    [[], "body: expected object, got an array"],
  ])("refuses %j", async (body, message) => {
    const answer = await resolve(await add(), body);
    expect(answer.body.message).toBe(message);
    expect(answer).toMatchObject({ status: 400, body: { code: "HD_INVALID" } });
  });

  it("of an unknown conflict, or one that was purged, is 404", async () => {
    for (const id of [UNKNOWN, await add({ raw: { purged_at: 5 } })]) {
      for (const body of [{ choice: "local" }, { choice: "merge", value: "x" }]) {
        const answer = await resolve(id, body);
        expect(answer).toMatchObject({ status: 404, body: { code: "HD_NOT_FOUND" } });
        expect(answer.body.message).toContain(id);
      }
    }
    expect(await resolve("x", { choice: "local" })).toMatchObject({
      status: 400,
      body: { code: "HD_INVALID" },
    });
  });

  it("says what is wrong with the record or the value", async () => {
    const gone = await add({ raw: { record_id: UNKNOWN } });
    expect(await resolve(gone, { choice: "local" })).toMatchObject({
      status: 409,
      body: { code: "HD_GONE" },
    });
    const large = "x".repeat(2_000_000);
    const omitted = await add({ local: large, remote: large, winner: "local", localClock: stamp(1) });
    expect((await list()).body.conflicts).toMatchObject([{ omitted: ["local_value"], local_value: null }]);
    expect(await resolve(omitted, { choice: "local" })).toMatchObject({
      status: 409,
      body: { code: "HD_OMITTED" },
    });
    const unfit = await add({ local: 5 });
    expect(await resolve(unfit, { choice: "local" })).toMatchObject({
      status: 400,
      body: { code: "HD_INVALID" },
    });
    const late = await add();
    await api.call("DELETE", `/v1/history/${entry.id}`);
    expect(await resolve(late, { choice: "local" })).toMatchObject({
      status: 409,
      body: { code: "HD_DELETED" },
    });
  });
});
