import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json } from "../../daemon/core/json.ts";
import { addConflict } from "../support/conflicts.ts";
import { type Api, createApi } from "./api.ts";

// Every answer is also held against /openapi.json by `api.call`: its shape, its code, one short line of message.

let api: Api;
let id: string;
let conflictId: string;
const errors: unknown[] = [];
beforeAll(async () => {
  api = await createApi({ user: "ana", onError: (fields) => errors.push(fields) });
  ({ id } = await api.add({ command: "there", response: "é", tags: ["a"] }));
  conflictId = await addConflict(api.machine.store, id);
});
afterAll(() => api.close());

const RUNS = 400;
type Call = Parameters<Api["call"]>;

async function expectNoFault(...call: Call): Promise<void> {
  const { status, body } = await api.call(...call);
  // Nothing is wrong with the disk here, and sync is off: no 5xx has a reason.
  expect(status, `${JSON.stringify(call)} ${JSON.stringify(body)} ${String(errors.at(-1))}`).toBeLessThan(
    500,
  );
}

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  // Unpaired surrogates too.
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
    .map((units) => String.fromCharCode(...units)),
  fc.constantFrom("", "\0", "null", "*", '"', "' OR 1=1 --", "NEAR(a b)", "a AND", "-", "1e400", "%00", "🚀"),
);
const anyNumber = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.maxSafeInteger(),
  fc.constantFrom(-0, 2 ** 31, 2 ** 63, 1e308),
);
const anyJson = fc.oneof(fc.jsonValue({ maxDepth: 4 }), anyText, anyNumber, fc.constant(null), fc.boolean());

/** Fields of an entry by their right names, each with a value that may be right, too. */
const fieldNames =
  "kind command response scope user session_id cwd shell exit_code timestamp duration_ms tokens_used tags note pinned context caused_by id rev __proto__".split(
    " ",
  );
const anyField = fc.oneof(
  { weight: 3, arbitrary: anyJson },
  fc.array(anyText, { maxLength: 5 }),
  fc.constantFrom("command", "chat", "global", "user", "machine"),
  fc.uuid(),
  fc.nat(),
);
/** As text, so that `__proto__` and numbers beyond JavaScript's arrive as they are. */
const entryText = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom(...fieldNames), anyText), anyField), { maxLength: 6 })
  .map((fields) => {
    const members = [["command", "x"] as const, ...fields].map(
      ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value) ?? "1e999"}`,
    );
    return `{${members.join(",")}}`;
  });
const bodyText = fc.oneof(
  entryText,
  fc.array(entryText, { maxLength: 4 }).map((entries) => `{"entries":[${entries.join(",")}]}`),
  anyJson.map((value) => JSON.stringify(value) ?? "1e999"),
  anyText,
);

describe("no body is a fault of ours", () => {
  it.each<[Call[0], string]>([
    ["POST", "/v1/history"],
    ["POST", "/v1/history/batch"],
    ["PATCH", "/v1/history/:id"],
    ["DELETE", "/v1/history/:id"],
    ["POST", "/v1/history/:id/restore"],
    ["POST", "/v1/sync"],
    ["POST", "/v1/sync/conflicts/:conflict/resolve"],
    ["POST", "/v1/history/:id/purge"],
    ["POST", "/v1/sync/reconcile"],
  ])("%s %s", async (method, route) => {
    const url = route.replace(":id", id).replace(":conflict", conflictId);
    await fc.assert(
      fc.asyncProperty(bodyText, (body) => expectNoFault(method, url, body)),
      { numRuns: RUNS },
    );
  });

  it("in any bytes, of any type", async () => {
    const types = fc.constantFrom(
      "application/json",
      "text/plain",
      "application/json; charset=utf-16",
      "x",
      "",
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), types, (bytes, type) =>
        expectNoFault("POST", "/v1/history", Buffer.from(bytes), { "content-type": type }),
      ),
      { numRuns: RUNS },
    );
  });
});

const parameterNames =
  "q mode user machine session cwd kind tag exit_code since until limit cursor state record action __proto__ x".split(
    " ",
  );
/** Percent-encoded as it should be, or the characters as they come. */
const word = fc.oneof(
  anyText.map((text) => encodeURIComponent(text.toWellFormed())),
  fc.string({ maxLength: 20 }).map((text) => text.replaceAll(/[\s#]/g, "%")),
  fc.integer().map(String),
  fc.constantFrom(
    "user",
    "hybrid",
    "machine",
    "chat",
    "ana",
    "0",
    "1000",
    "MS4xLjE",
    "%",
    "%ff",
    "%ED%A0%80",
  ),
);
const query = fc
  .array(fc.tuple(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...parameterNames) }, word), word), {
    maxLength: 5,
  })
  .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`).join("&"));

it("no decision about a conflict is a fault of ours, whatever field it is about and whatever values it has", async () => {
  const field = fc.oneof(fc.constantFrom(...fieldNames, "deleted_at", "purged_at", "created_at"), anyText);
  const choice = fc.constantFrom("local", "remote", "merge");
  const value = fc.oneof({ weight: 2, arbitrary: anyField }, anyText);
  await fc.assert(
    fc.asyncProperty(field, value, choice, value, async (name, local, chosen, merged) => {
      const raw = {
        field: name.toWellFormed(),
        local_value: JSON.parse((JSON.stringify(local) ?? "null").toWellFormed()) as Json,
      };
      const conflict = await addConflict(api.machine.store, id, { raw });
      const body = chosen === "merge" ? { choice: chosen, value: merged ?? null } : { choice: chosen };
      await expectNoFault("POST", `/v1/sync/conflicts/${conflict}/resolve`, body);
      await expectNoFault("GET", `/v1/history/${id}`);
      await expectNoFault("GET", "/v1/sync/conflicts?limit=1");
    }),
    { numRuns: RUNS },
  );
});

describe("no parameter is a fault of ours", () => {
  it.each([
    "/v1/history?",
    "/v1/search?",
    "/v1/search?q=",
    "/v1/stats?",
    "/v1/history?limit=",
    "/v1/sync/conflicts?",
    "/v1/sync/conflicts?cursor=",
    "/v1/audit?",
    "/v1/sync/reconcile?",
    "/v1/sync/reconcile?limit=",
  ])("GET %s…", async (start) => {
    await fc.assert(
      fc.asyncProperty(query, (text) => expectNoFault("GET", start + text)),
      { numRuns: RUNS },
    );
  });

  it("in a search, for any text", async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (q) => {
        const { status } = await api.call("GET", `/v1/search?q=${encodeURIComponent(q.toWellFormed())}`);
        expect(status).toBe(q === "" ? 400 : 200);
      }),
      { numRuns: RUNS },
    );
  });

  it("in a path", async () => {
    await fc.assert(
      fc.asyncProperty(word, (part) => expectNoFault("GET", `/v1/history/${part.replaceAll("?", "")}`)),
      { numRuns: RUNS },
    );
  });
});
