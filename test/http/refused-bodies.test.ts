import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Api, createApi } from "./api.ts";

let api: Api;
let url: string;
beforeAll(async () => {
  api = await createApi();
  url = `/v1/history/${(await api.add({ command: "there" })).id}`;
});
afterAll(() => api.close());

async function expectInvalid(method: "POST" | "PATCH", path: string, body: unknown, message: string) {
  const before = await api.call("GET", "/v1/stats");
  const answer = await api.call(method, path, body);
  expect(answer.body.message).toBe(message);
  expect(answer).toMatchObject({ status: 400, body: { code: "HD_INVALID", error: "Bad Request" } });
  expect(await api.call("GET", "/v1/stats")).toEqual(before);
}

const UUID = "expected a UUID, such as 0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33";
const HALF = "expected well-formed Unicode text, got half of a surrogate pair";
const text = (name: string): [object, string][] => [
  [{ [name]: 1 }, `${name}: expected string or null, got 1`],
  [{ [name]: ["x"] }, `${name}: expected string or null, got an array`],
  [{ [name]: "\udc00x" }, `${name}: ${HALF}`],
];
const count = (name: string): [object, string][] => [
  [{ [name]: "1" }, `${name}: expected integer or null, got "1"`],
  [{ [name]: 1.5 }, `${name}: expected integer or null, got 1.5`],
  [{ [name]: -1 }, `${name}: must be >= 0, got -1`],
  [{ [name]: 2 ** 53 }, `${name}: must be <= 9007199254740991, got 9007199254740992`],
];

/** A field of an entry as it must not be, and what is said about it. */
const badFields: [object, string][] = [
  [{ id: "1" }, `id: ${UUID}, got "1"`],
  [{ id: null }, "id: expected string, got null"],
  [
    { id: "0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33\n" },
    `id: ${UUID}, got "0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33\\n"`,
  ],
  [{ kind: "Command" }, 'kind: expected one of command, chat, got "Command"'],
  [{ kind: null }, "kind: expected string, got null"],
  [{ command: "" }, "command: expected at least one character, got an empty text"],
  [{ command: null }, "command: expected string, got null"],
  [{ command: { a: 1 } }, "command: expected string, got an object"],
  [{ command: true }, "command: expected string, got true"],
  [{ command: "a\ud800b" }, `command: ${HALF}`],
  [{ scope: "team" }, 'scope: expected one of global, user, machine, got "team"'],
  ...text("response"),
  ...text("user"),
  ...text("session_id"),
  ...text("cwd"),
  ...text("shell"),
  ...text("note"),
  ...count("duration_ms"),
  ...count("tokens_used"),
  [{ exit_code: 2 ** 31 }, "exit_code: must be <= 2147483647, got 2147483648"],
  [{ exit_code: "0" }, 'exit_code: expected integer or null, got "0"'],
  [{ timestamp: null }, "timestamp: expected integer, got null"],
  [{ timestamp: "2026-01-01T00:00:00Z" }, 'timestamp: expected integer, got "2026-01-01T00:00:00Z"'],
  [{ timestamp: 1.5 }, "timestamp: expected integer, got 1.5"],
  [{ timestamp: -1 }, "timestamp: must be >= 0, got -1"],
  [{ timestamp: 253_402_300_800_000 }, "timestamp: must be <= 253402300799999, got 253402300800000"],
  [{ tags: null }, "tags: expected array, got null"],
  [{ tags: "a" }, 'tags: expected array, got "a"'],
  [{ tags: ["a", 5] }, "tags.1: expected string, got 5"],
  [{ tags: [""] }, "tags.0: expected at least one character, got an empty text"],
  [{ tags: ["a", "b", "a"] }, "tags: expected each item once, got one twice"],
  [
    { tags: Array.from({ length: 65 }, (_, index) => String(index)) },
    "tags: must NOT have more than 64 items",
  ],
  [{ pinned: 1 }, "pinned: expected boolean, got 1"],
  [{ pinned: "true" }, 'pinned: expected boolean, got "true"'],
  [{ context: null }, "context: expected object, got null"],
  [{ context: [] }, "context: expected object, got an array"],
  [{ caused_by: "abc" }, `caused_by: ${UUID}, got "abc"`],
];

describe("a field", () => {
  it.each(badFields)("of POST /v1/history: %j", (field, message) =>
    expectInvalid("POST", "/v1/history", { command: "x", ...field }, `body.${message}`),
  );

  it.each(badFields)("of POST /v1/history/batch: %j", (field, message) => {
    const entries = [{ command: "x" }, { command: "x", ...field }];
    return expectInvalid("POST", "/v1/history/batch", { entries }, `body.entries.1.${message}`);
  });

  const editable = badFields.filter(([field]) =>
    /command|response|tags|note|pinned|scope/.test(Object.keys(field)[0]!),
  );
  it.each(editable)("of PATCH: %j", (field, message) =>
    expectInvalid("PATCH", url, field, `body.${message}`),
  );

  it("infinite, as JSON can write it", () =>
    expectInvalid(
      "POST",
      "/v1/history",
      '{"command":"x","timestamp":1e400}',
      "body.timestamp: expected integer, got Infinity",
    ));
});

const ENTRY_FIELDS =
  "kind, command, response, scope, user, session_id, cwd, shell, exit_code, timestamp, duration_ms, tokens_used, tags, note, pinned, context, caused_by, id";

describe("a body", () => {
  it.each<["POST" | "PATCH", string, unknown, string]>([
    ["POST", "", {}, "body: 'command' is missing"],
    ["POST", "", { command: "x", comand: 1 }, `body: 'comand' is unknown; expected only ${ENTRY_FIELDS}`],
    ["POST", "", { command: "x", toString: 1 }, `body: 'toString' is unknown; expected only ${ENTRY_FIELDS}`],
    ["POST", "", { command: "x", rev: 1 }, `body: 'rev' is unknown; expected only ${ENTRY_FIELDS}`],
    ["POST", "", [], "body: expected object, got an array"],
    ["POST", "", [{ command: "x" }], "body: expected object, got an array"],
    ["POST", "", "null", "body: expected object, got null"],
    ["POST", "", "true", "body: expected object, got true"],
    ["POST", "", '"command"', 'body: expected object, got "command"'],
    ["POST", "", undefined, "body: expected object, got null"],
    ["POST", "/batch", {}, "body: 'entries' is missing"],
    ["POST", "/batch", [], "body: expected object, got an array"],
    ["POST", "/batch", { entries: [] }, "body.entries: must NOT have fewer than 1 items"],
    ["POST", "/batch", { entries: { command: "x" } }, "body.entries: expected array, got an object"],
    ["POST", "/batch", { entries: [null] }, "body.entries.0: expected object, got null"],
    ["POST", "/batch", { entries: ["ls"] }, 'body.entries.0: expected object, got "ls"'],
    ["POST", "/batch", { entries: [{}] }, "body.entries.0: 'command' is missing"],
    [
      "POST",
      "/batch",
      { entries: [{ command: "x" }], all: true },
      "body: 'all' is unknown; expected only entries",
    ],
    ["PATCH", "", {}, "body: expected at least one field, got none"],
    ["PATCH", "", [], "body: expected object, got an array"],
    ["PATCH", "", undefined, "body: expected object, got null"],
  ])("%s …%s %j", (method, path, body, message) =>
    expectInvalid(method, method === "PATCH" ? url : `/v1/history${path}`, body, message),
  );

  it.each([
    ["PATCH", ""],
    ["POST", "/restore"],
    ["DELETE", ""],
  ] as const)("for a bad id: %s", async (method, rest) => {
    const body = method === "PATCH" ? { note: "x" } : undefined;
    const answer = await api.call(method, `/v1/history/not-an-id${rest}`, body);
    expect(answer).toMatchObject({ status: 400, body: { code: "HD_INVALID" } });
    expect(answer.body.message).toBe(`params.id: ${UUID}, got "not-an-id"`);
  });

  it("on a route that takes none is refused, not dropped", async () => {
    for (const [method, path] of [
      ["POST", "/v1/sync"],
      ["POST", `${url}/restore`],
      ["DELETE", url],
    ] as const) {
      expect(await api.call(method, path, { force: true })).toMatchObject({
        status: 400,
        body: { code: "HD_INVALID", message: "body: 'force' is unknown; expected none" },
      });
      expect(await api.call(method, path, [])).toMatchObject({
        status: 400,
        body: { code: "HD_INVALID", message: "body: expected object, got an array" },
      });
    }
    // Many clients send an empty object by habit; nothing is lost with it.
    expect(await api.call("POST", `${url}/restore`, {})).toMatchObject({ status: 200 });
  });

  it("has what came shortened in the answer", async () => {
    const kind = `${"x".repeat(58)}🚀🚀`;
    const bad = await api.call("POST", "/v1/history", { command: "x", kind });
    expect(bad.body.message.isWellFormed()).toBe(true);
    expect(bad.body.message).toMatch(/x{58}.?…$/u);
    const unknown = await api.call("POST", "/v1/history", { command: "x", ["y".repeat(100_000)]: 1 });
    expect(unknown.body.message).toMatch(/^body: 'y{60}…' is unknown/);
  });
});
