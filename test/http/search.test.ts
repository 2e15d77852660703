import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Entry } from "../../client-lib/protocol/entry.ts";
import { type Api, createApi } from "./api.ts";

let api: Api;
beforeAll(async () => {
  api = await createApi({ user: "ana" });
  const entries = [
    { command: "vim /etc/nginx/nginx.conf", note: "configuração do servidor" },
    { command: "journalctl --no-pager -u nginx", exit_code: 1 },
    { command: String.raw`dir C:\x "quoted" * ; | <b>`, kind: "chat", response: "não existe" },
    { command: "secret of a user", scope: "user", user: "joão" },
    { command: "secret of this machine", scope: "machine" },
    { command: "tagged", tags: ["produção"] },
  ];
  for (const entry of entries) await api.add(entry);
  const { id } = await api.add({ command: "deleted nginx" });
  await api.call("DELETE", `/v1/history/${id}`);
});
afterAll(() => api.close());

const search = async (query: Record<string, string>) => {
  const { status, body } = await api.call("GET", `/v1/search?${new URLSearchParams(query).toString()}`);
  expect(status).toBe(200);
  return body.results as (Entry & { score: number; snippet: string; source: string })[];
};
const found = async (q: string, more = {}): Promise<string[]> =>
  (await search({ q, ...more })).map(({ command }) => command.split(" ")[0]!).toSorted();

describe("GET /v1/search", () => {
  it.each([
    ["nginx", ["journalctl", "vim"]],
    ["NGI", ["journalctl", "vim"]],
    ["configuracao", ["vim"]],
    ["CONFIGURAÇÃO serv", ["vim"]],
    ["producao", ["tagged"]],
    ["nao existe", ["dir"]],
    ["--no-pager", ["journalctl"]],
    [String.raw`C:\x`, ["dir"]],
    ['"quoted"', ["dir"]],
    ["*", ["dir"]],
    ["; |", ["dir"]],
    ["<b>", ["dir"]],
    ["nginx AND OR NOT", []],
    ["NEAR(", []],
    ["command:", []],
    ["nothing-like-it", []],
    ["   ", []],
    ["\0", []],
    ['"', ["dir"]],
    ['""', []],
  ])("q=%j", async (q, expected) => {
    expect(await found(q)).toEqual(expected);
  });

  it("looks through the lens that was asked for", async () => {
    expect(await found("secret")).toEqual([]);
    expect(await found("secret", { mode: "machine" })).toEqual(["secret", "secret"]);
    expect(await found("secret", { mode: "user" })).toEqual([]);
    expect(await found("secret", { mode: "user", user: "joão" })).toEqual(["secret"]);
  });

  it("takes the filters of the list", async () => {
    expect(await found("nginx", { exit_code: "1" })).toEqual(["journalctl"]);
    expect(await found("dir", { kind: "chat" })).toEqual(["dir"]);
    expect(await found("dir", { kind: "command" })).toEqual([]);
    expect(await found("tagged", { tag: "produção" })).toEqual(["tagged"]);
    expect(await found("nginx", { until: "1" })).toEqual([]);
  });

  it("says how well each fits, where, and through which lens", async () => {
    const [first, second] = await search({ q: "nginx" });
    expect(first!.score).toBeGreaterThanOrEqual(second!.score);
    expect(first!.snippet).toContain("<mark>nginx</mark>");
    expect(["global", "user", "machine"]).toContain(first!.source);
  });

  it("answers 20 by default, and as many as are asked for", async () => {
    const entries = Array.from({ length: 30 }, (_, index) => ({ command: `zebra ${index}` }));
    await api.call("POST", "/v1/history/batch", { entries });
    expect(await search({ q: "zebra" })).toHaveLength(20);
    expect(await search({ q: "zebra", limit: "3" })).toHaveLength(3);
    expect(await search({ q: "zebra", limit: "200" })).toHaveLength(30);
  });
});

it("answers with fewer results where they are long, and always with the best", async () => {
  const long = await createApi();
  const response = "x".repeat(3 * 1024 * 1024);
  for (let index = 0; index < 7; index++) await long.add({ command: `long ${index}`, response });
  const { status, body } = await long.call("GET", "/v1/search?q=long&limit=200");
  expect(status).toBe(200);
  expect(body.results).toHaveLength(5);
  await long.close();
});
