import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ERROR_CODES } from "../../client-lib/protocol/errors.ts";
import { EVENT_TYPES } from "../../client-lib/protocol/events.ts";
import { type Api, createApi } from "./api.ts";
import type { Description, Operation } from "./described.ts";

let api: Api;
let description: Description;
beforeAll(async () => {
  api = await createApi();
  description = (await api.call("GET", "/openapi.json")).body as Description;
});
afterAll(() => api.close());

const METHODS = ["get", "post", "patch", "put", "delete"];
const operations = (): [string, string, Operation][] =>
  Object.entries(description.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]): [string, string, Operation] => [method, path, operation]),
  );

describe("GET /openapi.json", () => {
  it("is an OpenAPI 3.1 document by the rules of its structure", () => {
    expect(description.openapi).toMatch(/^3\.1\.\d+$/);
    expect(description.info).toMatchObject({ title: "historyd", version: "1.2.3" });
    for (const [method, path, operation] of operations()) {
      expect(path).toMatch(/^\//);
      expect(METHODS).toContain(method);
      expect(operation).toMatchObject({ summary: expect.stringMatching(/\S/) });
      for (const [status, response] of Object.entries(operation.responses)) {
        expect(`${method} ${path} ${status}`).toMatch(/ ([1-5]\d\d|[1-5]XX|default)$/);
        expect(response).toMatchObject({ description: expect.stringMatching(/\S/) });
      }
    }
  });

  it("declares every parameter of a path, and no other", () => {
    for (const [, path, { parameters = [] }] of operations()) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, required: true }));
      expect(parameters.filter((parameter) => parameter.in === "path")).toMatchObject(inPath);
      expect(parameters.filter((parameter) => parameter.in === "path")).toHaveLength(inPath.length);
      const names = parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
      expect(new Set(names).size).toBe(names.length);
      expect(parameters.every((parameter) => ["path", "query"].includes(parameter.in))).toBe(true);
    }
  });

  it("has schemas that are JSON Schema 2020-12 and can be compiled", () => {
    const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, validateSchema: true });
    for (const keyword of ["x-max-bytes", "x-max-json-bytes", "x-well-formed"]) ajv.addKeyword({ keyword });
    for (const [, , { parameters = [], requestBody, responses }] of operations()) {
      const contents = [requestBody?.content, ...Object.values(responses).map(({ content }) => content)];
      const schemas = [
        ...parameters.map(({ schema }) => schema),
        ...contents.flatMap((content) => Object.values(content ?? {}).map(({ schema }) => schema)),
      ];
      for (const schema of schemas) {
        expect(ajv.validateSchema(schema)).toBe(true);
        expect(ajv.compile(schema)).toBeTypeOf("function");
      }
    }
  });

  it("describes every route there is, with JSON answers for success and for errors", () => {
    const registered = [
      ...api.server.printRoutes({ commonPrefix: false }).matchAll(/(\/\S*) \(([A-Z, ]+)\)/g),
    ];
    const routeCount = registered.flatMap(([, , methods]) => methods!.split(", ")).length;
    // All but /openapi.json itself.
    expect(operations()).toHaveLength(routeCount - 1);
    for (const [, path, { responses }] of operations()) {
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(["200", "4XX", "5XX"]));
      for (const [status, { content }] of Object.entries(responses)) {
        const isStream = path === "/v1/events" && status === "200";
        expect(content).toHaveProperty([isStream ? "text/event-stream" : "application/json"]);
      }
    }
  });

  it("describes every event there is, by its name and its data", () => {
    const { parameters, responses } = description.paths["/v1/events"]!["get"]!;
    const schema = JSON.parse(JSON.stringify(responses["200"]!.content!["text/event-stream"]!.schema));
    // A constant is described as an enum of one.
    const types = schema.anyOf.flatMap(
      (one: { properties: { type: { enum: string[] } } }) => one.properties.type.enum,
    );
    expect(types).toEqual(EVENT_TYPES);
    expect(JSON.stringify(parameters)).toContain(EVENT_TYPES.join(", "));
  });

  it("says what a comparison is where nothing is said", () => {
    const { requestBody } = description.paths["/v1/sync/reconcile"]!["post"]!;
    const schema = JSON.parse(JSON.stringify(requestBody!.content["application/json"]!.schema));
    expect(schema.required ?? []).toEqual([]);
    expect(schema.properties).toMatchObject({ content: { default: false }, repair: { default: true } });
  });

  it("names every stable code of an error, with its meaning", () => {
    const text = JSON.stringify(description);
    for (const [code, meaning] of Object.entries(ERROR_CODES)) {
      expect(text).toContain(code);
      expect(text).toContain(JSON.stringify(meaning).slice(1, -1));
    }
  });

  it("states the limits that the daemon enforces", () => {
    const schema = JSON.parse(
      JSON.stringify(
        description.paths["/v1/history"]!["post"]!.requestBody!.content["application/json"]!.schema,
      ),
    );
    expect(schema.additionalProperties).toBe(false);
    expect(schema.properties.command).toMatchObject({ minLength: 1, "x-max-bytes": 1024 * 1024 });
    expect(schema.properties.response).toMatchObject({ "x-max-bytes": 3 * 1024 * 1024 });
    const limit = description.paths["/v1/history"]!["get"]!.parameters!.find(({ name }) => name === "limit");
    expect(limit!.schema).toMatchObject({ minimum: 1, maximum: 1000, default: 100 });
  });
});
