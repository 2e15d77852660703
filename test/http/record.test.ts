import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Api, createApi, START_MS } from "./api.ts";

let api: Api;
beforeAll(async () => {
  api = await createApi({ user: "ana" });
});
afterAll(() => api.close());

const ID = "0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33";
const FULL = {
  kind: "chat",
  command: "como reinicio o nginx?",
  response: "systemctl restart nginx\n🚀",
  scope: "user",
  user: "joão",
  session_id: "s1",
  cwd: "/srv/ação",
  shell: "zsh",
  exit_code: -1,
  timestamp: 1_600_000_000_001,
  duration_ms: 0,
  tokens_used: 12,
  tags: ["nginx", "produção"],
  note: "worked",
  pinned: true,
  context: { model: "x", nested: { list: [1, null, "\ud800"] } },
  caused_by: "0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e34",
};

describe("POST /v1/history", () => {
  it("needs only a command, and fills in the rest", async () => {
    const { status, body } = await api.call("POST", "/v1/history", { command: "ls" });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      kind: "command",
      command: "ls",
      response: null,
      scope: "global",
      user: "ana",
      machine_id: "machine-a",
      hostname: "host-machine-a",
      session_id: null,
      cwd: null,
      shell: null,
      exit_code: null,
      timestamp: START_MS,
      duration_ms: null,
      tokens_used: null,
      tags: [],
      note: null,
      pinned: false,
      context: {},
      caused_by: null,
      created_at: START_MS,
      updated_at: START_MS,
      deleted_at: null,
      last_editor: "machine-a",
      rev: null,
      sync: "pending",
    });
  });

  it("keeps every field as it was sent, and reads it back the same", async () => {
    const { status, body } = await api.call("POST", "/v1/history", FULL);
    expect(status).toBe(201);
    expect(body).toMatchObject(FULL);
    expect(await api.call("GET", `/v1/history/${body.id}`)).toEqual({ status: 200, body });
  });

  it("tells no user from the configured one", async () => {
    expect(await api.add({ command: "ls", user: null })).toMatchObject({ user: null });
  });

  it.each([
    ["NUL and other control characters", "a\0b\x01\x7f\r\n\t"],
    ["a character beyond the basic plane", "🚀"],
    ["a non-character", "\uffff\ufdd0"],
    ["line separators", "a\u2028b\u2029"],
    ["white space only", " "],
    ["quotes and backslashes", `"'\\\`$(rm -rf ~)`],
  ])("keeps %s", async (_, command) => {
    const { id } = await api.add({ command, response: command, note: command, tags: [command] });
    const { body } = await api.call("GET", `/v1/history/${id}`);
    expect(body).toMatchObject({ command, response: command, note: command, tags: [command] });
  });

  it("keeps an empty answer apart from none", async () => {
    expect(await api.add({ command: "x", response: "", note: "" })).toMatchObject({ response: "", note: "" });
  });

  it.each([
    { timestamp: 0 },
    { timestamp: 253_402_300_799_999 },
    { exit_code: -2_147_483_648 },
    { exit_code: 2_147_483_647 },
    { duration_ms: Number.MAX_SAFE_INTEGER, tokens_used: Number.MAX_SAFE_INTEGER },
  ])("takes the ends of a range: %j", async (fields) => {
    const { id } = await api.add({ command: "x", ...fields });
    expect((await api.call("GET", `/v1/history/${id}`)).body).toMatchObject(fields);
  });
});

describe("POST /v1/history with an id", () => {
  it("answers 201, then 200 with the same entry, then 409 for other content", async () => {
    const sent = { ...FULL, id: ID };
    const first = await api.call("POST", "/v1/history", sent);
    expect(first).toMatchObject({ status: 201, body: { id: ID } });
    api.clock.ms += 1000;
    expect(await api.call("POST", "/v1/history", sent)).toEqual({ status: 200, body: first.body });
    const other = await api.call("POST", "/v1/history", { ...sent, response: "another" });
    expect(other).toMatchObject({ status: 409, body: { code: "HD_ID_TAKEN" } });
    expect(other.body.message).toContain(ID);
    expect(other.body.message).toContain("response");
    expect((await api.call("GET", `/v1/history/${ID}`)).body).toEqual(first.body);
  });

  it("takes upper case for the same id, and answers in lower case", async () => {
    const id = "0197A3F2-8C1E-7B52-9C55-2F4F8A1D0EAA";
    const first = await api.call("POST", "/v1/history", { id, command: "ls" });
    expect(first).toMatchObject({ status: 201, body: { id: id.toLowerCase() } });
    const again = { id: id.toLowerCase(), command: "ls" };
    expect(await api.call("POST", "/v1/history", again)).toEqual({ status: 200, body: first.body });
    expect((await api.call("GET", `/v1/history/${id}`)).body).toEqual(first.body);
  });

  it("is idempotent for what is empty, whatever the order of keys in a context", async () => {
    const id = "0197a3f2-8c1e-7b52-9c55-2f4f8a1d0ebb";
    const sent = { id, command: "ls", tags: [], context: { a: 1, b: { c: 2, d: 3 } }, response: null };
    await api.add(sent);
    const again = { ...sent, context: { b: { d: 3, c: 2 }, a: 1 } };
    expect(await api.call("POST", "/v1/history", again)).toMatchObject({ status: 200 });
    expect(await api.call("POST", "/v1/history", { ...sent, tags: ["a"] })).toMatchObject({ status: 409 });
  });

  it("repeats a request whose entry was edited meanwhile without undoing the edit", async () => {
    const sent = { id: "0197a3f2-8c1e-7b52-9c55-2f4f8a1d0ecc", command: "ls", note: "before" };
    await api.add(sent);
    await api.call("PATCH", `/v1/history/${sent.id}`, { note: "after" });
    const again = await api.call("POST", "/v1/history", sent);
    expect(again).toMatchObject({ status: 200, body: { note: "after" } });
  });

  it("is stored once when it is sent many times at once", async () => {
    const sent = { id: "0197a3f2-8c1e-7b52-9c55-2f4f8a1d0edd", command: "once" };
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => api.call("POST", "/v1/history", sent)),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([...Array<number>(49).fill(200), 201]);
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  });
});
