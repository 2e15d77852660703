import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MAX_NAME_BYTES, MAX_QUERY_BYTES } from "../../client-lib/protocol/limits.ts";
import { type Api, createApi } from "./api.ts";

let api: Api;
let url: string;
beforeAll(async () => {
  api = await createApi();
  url = `/v1/history/${(await api.add({ command: "there" })).id}`;
});
afterAll(() => api.close());

const FILTERS = "mode, user, machine, session, cwd, kind, tag, exit_code, since, until, limit";
const integer = (name: string): [string, string][] =>
  [
    "",
    "x",
    "1.5",
    "1.0",
    "1e2",
    "0x10",
    "%2010",
    "10%20",
    "%2B1",
    "01",
    "Infinity",
    "1e400",
    "NaN",
    "null",
    "true",
  ].map((word) => [
    `${name}=${word}`,
    `${name}: expected integer, got ${JSON.stringify(decodeURIComponent(word))}`,
  ]);

const bad: [string, string][] = [
  ...["limit", "exit_code", "since", "until"].flatMap(integer),
  ["limit=0", "limit: must be >= 1, got 0"],
  ["limit=-1", "limit: must be >= 1, got -1"],
  ["exit_code=2147483648", "exit_code: must be <= 2147483647, got 2147483648"],
  ["since=-1", "since: must be >= 0, got -1"],
  ["until=253402300800000", "until: must be <= 253402300799999, got 253402300800000"],
  ["limit=1&limit=2", "limit: expected integer, got an array"],
  ["mode=everything", 'mode: expected one of global, user, machine, hybrid, got "everything"'],
  ["mode=", 'mode: expected one of global, user, machine, hybrid, got ""'],
  ["kind=Chat", 'kind: expected one of command, chat, got "Chat"'],
  ...["user", "machine", "session", "cwd", "tag"].flatMap((name): [string, string][] => [
    [`${name}=`, `${name}: expected at least one character, got an empty text`],
    [`${name}=a&${name}=b`, `${name}: expected string, got an array`],
  ]),
];

const TYPE = "(sync|entry|conflict|reconcile)";
const TYPES = `expected text that matches ^${TYPE}(,${TYPE})*$`;

async function expectRefused(path: string, message: string) {
  const answer = await api.call("GET", path);
  expect(answer.body.message).toBe(message);
  expect(answer).toMatchObject({ status: 400, body: { code: "HD_INVALID" } });
}

describe("a parameter", () => {
  it.each(bad)("of GET /v1/history: %s", (query, message) =>
    expectRefused(`/v1/history?${query}`, `query.${message}`),
  );
  it.each(bad)("of GET /v1/search: %s", (query, message) =>
    expectRefused(`/v1/search?q=x&${query}`, `query.${message}`),
  );
  it.each([
    ["/v1/history?limit=1001", "query.limit: must be <= 1000, got 1001"],
    ["/v1/search?q=x&limit=201", "query.limit: must be <= 200, got 201"],
    ["/v1/search", "query: 'q' is missing"],
    ["/v1/search?q=", "query.q: expected at least one character, got an empty text"],
    ["/v1/search?q=a&q=b", "query.q: expected string, got an array"],
    ["/v1/search?q=a&cursor=b", `query: 'cursor' is unknown; expected only q, ${FILTERS}`],
    ["/v1/history?q=a", `query: 'q' is unknown; expected only ${FILTERS}, cursor`],
    ["/v1/history?Limit=1", `query: 'Limit' is unknown; expected only ${FILTERS}, cursor`],
    ["/v1/history?__proto__=1", `query: '__proto__' is unknown; expected only ${FILTERS}, cursor`],
    ["/v1/history?hasOwnProperty", `query: 'hasOwnProperty' is unknown; expected only ${FILTERS}, cursor`],
    ["/v1/stats?x=1", "query: 'x' is unknown; expected none"],
    ["/v1/sync/conflicts?x=1", "query: 'x' is unknown; expected only state, record, limit, cursor"],
    ["/v1/sync/conflicts?state=closed", 'query.state: expected one of open, resolved, all, got "closed"'],
    ["/v1/sync/conflicts?limit=0", "query.limit: must be >= 1, got 0"],
    ["/v1/sync/conflicts?limit=1001", "query.limit: must be <= 1000, got 1001"],
    [
      "/v1/sync/conflicts?record=9f1c03ab",
      'query.record: expected a UUID, such as 0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33, got "9f1c03ab"',
    ],
    ["/v1/audit?x=1", "query: 'x' is unknown; expected only record, action, since, limit, cursor"],
    ["/v1/audit?since=-1", "query.since: must be >= 0, got -1"],
    ["/v1/audit?since=now", 'query.since: expected integer, got "now"'],
    ["/v1/audit?limit=1001", "query.limit: must be <= 1000, got 1001"],
    ["/v1/audit?action=", "query.action: expected at least one character, got an empty text"],
    [
      "/v1/audit?record=x",
      'query.record: expected a UUID, such as 0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33, got "x"',
    ],
    ["/v1/health?x=1", "query: 'x' is unknown; expected none"],
    ["/v1/status?x=1", "query: 'x' is unknown; expected none"],
    ["/v1/sync?x=1", "query: 'x' is unknown; expected none"],
    ["/v1/sync/reconcile?limit=101", "query.limit: must be <= 100, got 101"],
    ["/v1/sync/reconcile?x=1", "query: 'x' is unknown; expected only limit"],
    ["/v1/events?x=1", "query: 'x' is unknown; expected only types"],
    ["/v1/events?types=", `query.types: ${TYPES}, got ""`],
    ["/v1/events?types=sync,,entry", `query.types: ${TYPES}, got "sync,,entry"`],
    ["/v1/events?types=entries", `query.types: ${TYPES}, got "entries"`],
    ["/v1/events?types=sync&types=entry", "query.types: expected string, got an array"],
    ["/openapi.json?x=1", "query: 'x' is unknown; expected none"],
    ["/v1/history/", 'params.id: expected a UUID, such as 0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33, got ""'],
    [
      "/v1/history/batch",
      'params.id: expected a UUID, such as 0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33, got "batch"',
    ],
    [
      "/v1/history?mode=user",
      "query.mode: 'user' needs a user; send the parameter 'user', or configure one (MCP_USER)",
    ],
    [
      "/v1/search?q=x&mode=user",
      "query.mode: 'user' needs a user; send the parameter 'user', or configure one (MCP_USER)",
    ],
  ])("%s", expectRefused);

  it.each(["POST", "PATCH", "DELETE"] as const)("of %s, which takes none", async (method) => {
    const path = method === "POST" ? "/v1/history" : url;
    const body = method === "DELETE" ? undefined : { command: "x" };
    expect(await api.call(method, `${path}?dry_run=1`, body)).toMatchObject({
      status: 400,
      body: { code: "HD_INVALID", message: "query: 'dry_run' is unknown; expected none" },
    });
  });

  it("over its limit in bytes is 413", async () => {
    const long = encodeURIComponent("ã".repeat(MAX_NAME_BYTES / 2));
    expect(await api.call("GET", `/v1/history?cwd=${long}`)).toMatchObject({ status: 200 });
    expect(await api.call("GET", `/v1/history?cwd=${long}x`)).toMatchObject({
      status: 413,
      body: {
        code: "HD_TOO_LARGE",
        message: `query.cwd: expected at most ${MAX_NAME_BYTES} bytes, got more`,
      },
    });
    expect(await api.call("GET", `/v1/search?q=${"x".repeat(MAX_QUERY_BYTES + 1)}`)).toMatchObject({
      status: 413,
    });
  });

  it.each(["cwd=%ff", "cwd=%zz", "cwd=100%", "machine=%ED%A0%80", "%E9=1"])(
    "that is not percent-encoded UTF-8 is refused, not guessed at: %s",
    async (query) => {
      const answer = await api.call("GET", `/v1/history?${query}`);
      expect(answer).toMatchObject({ status: 400, body: { code: "HD_INVALID" } });
      expect(answer.body.message).toMatch(/^query: expected percent-encoded UTF-8/);
    },
  );
});

describe("a cursor", () => {
  it.each([
    "x",
    "!",
    "MQ",
    Buffer.from("2.1.1").toString("base64url"),
    Buffer.from("1.1").toString("base64url"),
    Buffer.from("1.-0.1").toString("base64url"),
    Buffer.from("1.1.1 OR 1=1").toString("base64url"),
    Buffer.from("1.01.1").toString("base64url"),
    `${Buffer.from("1.1.1").toString("base64url")}!`,
    Buffer.from(`1.${"9".repeat(16)}.1`).toString("base64url"),
  ])("that no page gave: %s", async (cursor) => {
    for (const path of ["/v1/history", "/v1/sync/conflicts", "/v1/audit"]) {
      expect(await api.call("GET", `${path}?cursor=${cursor}`)).toMatchObject({
        status: 400,
        body: { code: "HD_BAD_CURSOR" },
      });
    }
  });

  it("of another list is refused as well", async () => {
    const own = { "/v1/history": "1", "/v1/sync/conflicts": "c1", "/v1/audit": "a1" };
    for (const [path, mine] of Object.entries(own)) {
      for (const name of Object.values(own)) {
        const cursor = Buffer.from(`${name}.5.5`).toString("base64url");
        expect((await api.call("GET", `${path}?cursor=${cursor}`)).status).toBe(name === mine ? 200 : 400);
      }
    }
  });
});

describe("a path", () => {
  it.each([
    ["GET", "/"],
    ["GET", "/v1"],
    ["GET", "/v1/historyx"],
    ["GET", "//v1/stats"],
    ["GET", "/V1/stats"],
    ["PUT", "/v1/history"],
    ["PATCH", "/v1/history"],
    ["DELETE", "/v1/stats"],
    ["POST", "/v1/search"],
    ["OPTIONS", "/v1/history"],
    ["HEAD", "/v1/health"],
  ] as const)("that is no route: %s %s", async (method, path) => {
    expect(await api.call(method, path)).toMatchObject({
      status: 404,
      body: {
        code: "HD_ROUTE_NOT_FOUND",
        message: `${method} ${path} is no route; GET /openapi.json lists them`,
      },
    });
  });

  it.each(["/v1/history/%zz", "/v1/history/%ff", `/v1/history/${"a".repeat(5000)}`, `/${"a".repeat(5000)}`])(
    "that cannot be one: %s",
    async (path) => {
      const { status } = await api.call("GET", path);
      expect([400, 404, 414]).toContain(status);
    },
  );
});
