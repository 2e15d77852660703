import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Api, createApi } from "./api.ts";

let api: Api;
beforeAll(async () => {
  api = await createApi();
});
afterAll(() => api.close());

const ROUTES = ["/v1/history", "/v1/history/batch"];
const post = (url: string, body: string | Buffer | undefined, type = "application/json") =>
  api.call("POST", url, body, { "content-type": type });

describe.each(ROUTES)("the body of POST %s", (url) => {
  it.each([
    ["{", /Expected property name/],
    ['{"command": "ls', /Unterminated string/],
    ["{'command': 'ls'}", /Expected property name/],
    ['{"command": "ls",}', /Expected double-quoted property name/],
    ['{"command": "a\nb"}', /Bad control character/],
    ['{"command": "ls"} x', /after JSON/],
    ["command=ls", /Unexpected token 'c'/],
    ["NaN", /"NaN" is not valid JSON/],
    [" ", /Unexpected end/],
    ["\0", /Unexpected token/],
    ['{"command":"x","__proto__":{"admin":true}}', /key '__proto__' or 'constructor' is refused/],
    ['{"command":"x","context":{"a":[{"__proto__":1}]}}', /key '__proto__'/],
    ['{"command":"x","context":{"constructor":{"prototype":{}}}}', /'constructor'/],
    ['{"command":"x","\\u005f_proto__":1}', /key '__proto__'/],
  ])("is not JSON: %j", async (body, problem) => {
    const answer = await post(url, body);
    expect(answer).toMatchObject({ status: 400, body: { code: "HD_BAD_JSON", error: "Bad Request" } });
    expect(answer.body.message).toMatch(/^the body is not JSON as expected: /);
    expect(answer.body.message).toMatch(problem);
  });

  it("is empty", async () => {
    const answer = await post(url, "");
    expect(answer).toMatchObject({ status: 400, body: { code: "HD_BAD_JSON" } });
    expect(answer.body.message).toMatch(/^the body is empty/);
  });

  it.each([
    ["ISO 8859-1", Buffer.from('{"command":"caf\xe9"}', "latin1")],
    ["half a character", Buffer.from('{"command":"ã"}').fill(0x20, 13, 14)],
    [
      "a surrogate in bytes",
      Buffer.concat([Buffer.from('{"command":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
    ],
  ])("is %s: refused rather than stored with other characters", async (_, body) => {
    const answer = await post(url, body);
    expect(answer).toMatchObject({ status: 400, body: { code: "HD_BAD_JSON" } });
    expect(answer.body.message).toContain("expected UTF-8");
  });

  it.each([
    "text/plain",
    "text/plain; charset=utf-8",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/octet-stream",
    "application/jsonp",
    "*/*",
    "json",
    "",
  ])("is sent as %j", async (type) => {
    const answer = await post(url, '{"command":"ls"}', type);
    expect(answer).toMatchObject({ status: 415, body: { code: "HD_UNSUPPORTED_MEDIA_TYPE" } });
    expect(answer.body.message).toContain("content-type: application/json");
  });
});

it.each(["application/json; charset=utf-8", "APPLICATION/JSON", "application/json;charset=UTF-8"])(
  "JSON may be called %s",
  async (type) => {
    expect(await post("/v1/history", '{"command":"ls"}', type)).toMatchObject({ status: 201 });
  },
);

it("a byte order mark before the JSON is not part of it", async () => {
  expect(await post("/v1/history", '\ufeff{"command":"ls"}')).toMatchObject({ status: 201 });
});

it("the last of several equal keys counts, as everywhere in JavaScript", async () => {
  const answer = await post("/v1/history", '{"command":"first","command":"last"}');
  expect(answer).toMatchObject({ status: 201, body: { command: "last" } });
});

describe("a context", () => {
  const nested = (levels: number): string => '{"a":'.repeat(levels) + "1" + "}".repeat(levels);
  const lists = (levels: number): string => `{"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;

  it.each([nested, lists])("may have 100 levels", async (make) => {
    const context = make(100);
    const answer = await post("/v1/history", `{"command":"x","context":${context}}`);
    expect(answer.status).toBe(201);
    expect(JSON.stringify(answer.body.context)).toBe(context);
    expect((await api.call("GET", `/v1/history/${answer.body.id}`)).body).toEqual(answer.body);
  });

  it.each([
    [nested, 101],
    [lists, 101],
    [nested, 10_000],
    [lists, 30_000],
    [lists, 3_000_000],
  ])("has too many levels", async (make, levels) => {
    const answer = await post("/v1/history", `{"command":"x","context":${make(levels)}}`);
    expect(answer).toMatchObject({
      status: 400,
      body: {
        code: "HD_INVALID",
        message: "body.context: expected at most 100 levels of objects and arrays, got more",
      },
    });
  });

  it("may have any keys but the two", async () => {
    const context = {
      toJSON: 1,
      toString: "x",
      "": null,
      "\0": [],
      "ção 🚀": { "a.b/c~d": true },
      length: -0.5,
    };
    const { body } = await post("/v1/history", JSON.stringify({ command: "x", context }));
    expect(body.context).toEqual(context);
  });
});
