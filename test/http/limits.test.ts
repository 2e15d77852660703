import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  MAX_BATCH_BODY_BYTES,
  MAX_COMMAND_BYTES,
  MAX_CONTEXT_BYTES,
  MAX_ENTRY_BODY_BYTES,
  MAX_NAME_BYTES,
  MAX_NOTE_BYTES,
  MAX_RESPONSE_BYTES,
  MAX_TAG_BYTES,
  MAX_TAGS,
} from "../../client-lib/protocol/limits.ts";
import { type Api, createApi } from "./api.ts";

let api: Api;
beforeAll(async () => {
  api = await createApi();
});
afterAll(() => api.close());

/** Text of exactly so many bytes, of characters of one to four bytes. */
function sized(bytes: number, character: string): string {
  const size = Buffer.byteLength(character);
  return character.repeat(Math.floor(bytes / size)) + "x".repeat(bytes % size);
}

/** A context of exactly so many bytes as JSON. */
const contextOf = (bytes: number) => ({ a: "x".repeat(bytes - '{"a":""}'.length) });

const LIMITS: [string, (bytes: number, character: string) => object, number][] = [
  ["command", (bytes, character) => ({ command: sized(bytes, character) }), MAX_COMMAND_BYTES],
  ["response", (bytes, character) => ({ response: sized(bytes, character) }), MAX_RESPONSE_BYTES],
  ["note", (bytes, character) => ({ note: sized(bytes, character) }), MAX_NOTE_BYTES],
  ["user", (bytes, character) => ({ user: sized(bytes, character) }), MAX_NAME_BYTES],
  ["session_id", (bytes, character) => ({ session_id: sized(bytes, character) }), MAX_NAME_BYTES],
  ["cwd", (bytes, character) => ({ cwd: sized(bytes, character) }), MAX_NAME_BYTES],
  ["shell", (bytes, character) => ({ shell: sized(bytes, character) }), MAX_NAME_BYTES],
  ["tags.0", (bytes, character) => ({ tags: [sized(bytes, character)] }), MAX_TAG_BYTES],
  ["context", (bytes) => ({ context: contextOf(bytes) }), MAX_CONTEXT_BYTES],
];

describe.each(LIMITS)("%s", (name, make, limit) => {
  it.each(["x", "ã", "€", "🚀", "\n"])(`of exactly ${limit} bytes of %j is kept whole`, async (character) => {
    const sent = make(limit, character);
    const { status, body } = await api.call("POST", "/v1/history", { command: "x", ...sent });
    expect(status).toBe(201);
    expect((await api.call("GET", `/v1/history/${body.id}`)).body).toMatchObject(sent);
  });

  it.each(["x", "ã", "€", "🚀"])(
    "of one byte of %j more is 413, and nothing is stored",
    async (character) => {
      const before = await api.call("GET", "/v1/stats");
      for (const [url, where] of [
        ["/v1/history", "body"],
        ["/v1/history/batch", "body.entries.0"],
      ] as const) {
        const entry = { command: "x", ...make(limit + 1, character) };
        const answer = await api.call("POST", url, url.endsWith("batch") ? { entries: [entry] } : entry);
        expect(answer).toMatchObject({
          status: 413,
          body: {
            code: "HD_TOO_LARGE",
            error: "Payload Too Large",
            message: `${where}.${name}: expected at most ${limit} bytes, got more`,
          },
        });
      }
      expect(await api.call("GET", "/v1/stats")).toEqual(before);
    },
  );
});

describe("an edit", () => {
  let url: string;
  beforeEach(async () => {
    url = `/v1/history/${(await api.add({ command: "x" })).id}`;
  });

  it.each(LIMITS.filter(([name]) => /command|response|note|tags/.test(name)))(
    "has the same limit for %s",
    async (name, make, limit) => {
      expect(await api.call("PATCH", url, make(limit, "ã"))).toMatchObject({ status: 200 });
      const answer = await api.call("PATCH", url, make(limit + 1, "ã"));
      expect(answer).toMatchObject({ status: 413, body: { code: "HD_TOO_LARGE" } });
      expect(answer.body.message).toContain(`body.${name}: `);
    },
  );
});

describe("a body", () => {
  it("at its limits in every field fits, also where JSON writes six bytes for one", async () => {
    const worst = (bytes: number): string => "\u0001".repeat(bytes);
    const entry = {
      command: worst(MAX_COMMAND_BYTES),
      response: worst(MAX_RESPONSE_BYTES),
      note: worst(MAX_NOTE_BYTES),
      user: worst(MAX_NAME_BYTES),
      session_id: worst(MAX_NAME_BYTES),
      cwd: worst(MAX_NAME_BYTES),
      shell: worst(MAX_NAME_BYTES),
      tags: Array.from({ length: MAX_TAGS }, (_, nth) => `${nth + 10}${worst(MAX_TAG_BYTES - 2)}`),
      context: contextOf(MAX_CONTEXT_BYTES),
    };
    expect(JSON.stringify(entry).length).toBeGreaterThan(24 * 1024 * 1024);
    const { status, body } = await api.call("POST", "/v1/history", entry);
    expect(status).toBe(201);
    const stored = (await api.call("GET", `/v1/history/${body.id}`)).body;
    for (const [name, value] of Object.entries(entry)) {
      // Not toEqual on megabytes, whose difference nobody could read.
      expect(JSON.stringify(stored[name]) === JSON.stringify(value), name).toBe(true);
    }
  });

  it.each([
    ["POST", "/v1/history", MAX_ENTRY_BODY_BYTES],
    ["PATCH", "/v1/history/0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33", MAX_ENTRY_BODY_BYTES],
    ["POST", "/v1/history/batch", MAX_BATCH_BODY_BYTES],
  ] as const)("of %s %s over %d bytes is 413 without being read as JSON", async (method, url, limit) => {
    const tooLarge = await api.call(method, url, Buffer.alloc(limit + 1, " "));
    expect(tooLarge).toMatchObject({ status: 413, body: { code: "HD_TOO_LARGE" } });
    expect(tooLarge.body.message).toMatch(/larger than this route takes/);
    const justFits = await api.call(method, url, Buffer.alloc(limit, " "));
    expect(justFits).toMatchObject({ status: 400, body: { code: "HD_BAD_JSON" } });
  });
});
