import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Entry } from "../../client-lib/protocol/entry.ts";
import { type Api, createApi, START_MS } from "./api.ts";

let api: Api;
beforeAll(async () => {
  api = await createApi({ user: "ana" });
});
afterAll(() => api.close());

const commandsOf = (entries: Entry[]): string[] => entries.map(({ command }) => command);
async function list(query: string): Promise<string[]> {
  const { status, body } = await api.call("GET", `/v1/history?${query}`);
  expect(status).toBe(200);
  return commandsOf(body.entries);
}

describe("filters", () => {
  beforeAll(async () => {
    const entries = [
      { command: "plain", tags: ["a"], session_id: "s1", cwd: "/srv", exit_code: 0 },
      { command: "chat", kind: "chat", tags: ["a", "ação"], user: "joão", exit_code: -1 },
      { command: "mine", scope: "user", session_id: "s1", cwd: "/srv/x" },
      { command: "here", scope: "machine", user: "joão", exit_code: 1 },
      { command: "nobody's", user: null, scope: "user" },
    ];
    for (const [index, entry] of entries.entries()) {
      await api.add({ ...entry, timestamp: START_MS + index });
    }
    const { id } = await api.add({ command: "deleted", tags: ["a"], timestamp: START_MS + 9 });
    await api.call("DELETE", `/v1/history/${id}`);
  });

  it.each([
    ["", ["chat", "plain"]],
    ["mode=global", ["chat", "plain"]],
    ["mode=user", ["mine", "plain"]],
    ["mode=user&user=jo%C3%A3o", ["chat"]],
    ["mode=machine", ["nobody's", "here", "mine", "chat", "plain"]],
    ["mode=hybrid", ["nobody's", "here", "mine", "chat", "plain"]],
    ["mode=machine&user=jo%C3%A3o", ["here", "chat"]],
    ["mode=machine&machine=machine-a", ["nobody's", "here", "mine", "chat", "plain"]],
    ["machine=machine-b", []],
    ["mode=machine&session=s1", ["mine", "plain"]],
    ["mode=machine&cwd=/srv", ["plain"]],
    ["mode=machine&cwd=/srv/", []],
    ["kind=chat", ["chat"]],
    ["tag=a", ["chat", "plain"]],
    ["tag=a%C3%A7%C3%A3o", ["chat"]],
    ["tag=A", []],
    ["mode=machine&exit_code=0", ["plain"]],
    ["exit_code=-1", ["chat"]],
    [`mode=machine&since=${START_MS + 3}`, ["nobody's", "here"]],
    [`mode=machine&until=${START_MS + 1}`, ["plain"]],
    [`mode=machine&since=${START_MS + 1}&until=${START_MS + 3}`, ["mine", "chat"]],
    [`since=${START_MS + 2}&until=${START_MS + 1}`, []],
    ["mode=machine&user=ana&session=s1&cwd=/srv&kind=command&tag=a&exit_code=0", ["plain"]],
    ["limit=1", ["chat"]],
  ])("?%s", async (query, expected) => {
    expect(await list(query)).toEqual(expected);
  });
});

describe("paging", () => {
  it("gives every entry once, newest first, also where many have the same time", async () => {
    const paged = await createApi();
    const times = [5, 5, 5, 3, 5, 1, 3, 3, 5, 2, 5];
    for (const [index, offset] of times.entries()) {
      await paged.add({ command: String(index), timestamp: START_MS + offset });
    }
    const all = commandsOf((await paged.call("GET", "/v1/history")).body.entries);
    expect(all).toEqual(["10", "8", "4", "2", "1", "0", "7", "6", "3", "9", "5"]);
    for (const limit of [1, 2, 3, 10, 11, 12]) {
      const seen: string[] = [];
      const sizes: number[] = [];
      for (let cursor: string | null = ""; cursor !== null;) {
        const query: string = cursor === "" ? "" : `&cursor=${cursor}`;
        const { body } = await paged.call("GET", `/v1/history?limit=${limit}${query}`);
        seen.push(...commandsOf(body.entries));
        sizes.push(body.entries.length);
        cursor = body.next_cursor;
      }
      expect(seen).toEqual(all);
      expect(sizes.length).toBe(Math.ceil(all.length / limit));
    }
    await paged.close();
  });

  it("is not disturbed by what is recorded or deleted meanwhile", async () => {
    const paged = await createApi();
    const ids: string[] = [];
    for (let index = 0; index < 6; index++) {
      ids.push((await paged.add({ command: String(index), timestamp: START_MS + index })).id);
    }
    const first = await paged.call("GET", "/v1/history?limit=2");
    expect(commandsOf(first.body.entries)).toEqual(["5", "4"]);
    await paged.add({ command: "newer", timestamp: START_MS + 100 });
    await paged.call("DELETE", `/v1/history/${ids[4]}`);
    await paged.call("DELETE", `/v1/history/${ids[2]}`);
    const rest = await paged.call("GET", `/v1/history?cursor=${first.body.next_cursor}`);
    expect(commandsOf(rest.body.entries)).toEqual(["3", "1", "0"]);
    expect(rest.body.next_cursor).toBe(null);
    await paged.close();
  });

  it("has 100 entries by default and 1000 at most", async () => {
    const paged = await createApi();
    const entries = Array.from({ length: 1000 }, (_, index) => ({ command: String(index) }));
    await paged.call("POST", "/v1/history/batch", { entries });
    await paged.add({ command: "one more" });
    expect((await paged.call("GET", "/v1/history")).body.entries).toHaveLength(100);
    const { body } = await paged.call("GET", "/v1/history?limit=1000");
    expect(body.entries).toHaveLength(1000);
    expect(body.next_cursor).not.toBe(null);
    await paged.close();
  });

  it("ends a page early where its entries are long, and goes on from there", async () => {
    const paged = await createApi();
    const response = "x".repeat(3 * 1024 * 1024);
    for (let index = 0; index < 7; index++) {
      await paged.add({ command: String(index), response, timestamp: START_MS + index });
    }
    const first = await paged.call("GET", "/v1/history?limit=1000");
    expect(commandsOf(first.body.entries)).toEqual(["6", "5", "4", "3", "2"]);
    const rest = await paged.call("GET", `/v1/history?limit=1000&cursor=${first.body.next_cursor}`);
    expect([commandsOf(rest.body.entries), rest.body.next_cursor]).toEqual([["1", "0"], null]);
    await paged.close();
  });

  it.each([-5, -8_000_000_000_000_000, Number.MAX_SAFE_INTEGER])(
    "goes on after an entry of any time that the cache may hold: %d",
    async (timestamp) => {
      const paged = await createApi();
      for (const command of ["a", "b"]) await paged.add({ command });
      const other = new Database(join(paged.machine.home, "cache.db"));
      other.prepare("UPDATE history SET timestamp = ?").run(timestamp);
      other.close();
      const { next } = paged.machine.store.read.history.list(
        { mode: "hybrid", viewer: { machineId: "machine-a", user: null } },
        1,
        null,
      );
      const cursor = Buffer.from(`1.${next?.timestamp}.${next?.seq}`).toString("base64url");
      const rest = await paged.server.inject({ url: `/v1/history?limit=1&cursor=${cursor}` });
      expect([rest.statusCode, commandsOf(rest.json().entries)]).toEqual([200, ["a"]]);
      await paged.close();
    },
  );

  it("begins empty", async () => {
    const empty = await createApi();
    expect((await empty.call("GET", "/v1/history")).body).toEqual({ entries: [], next_cursor: null });
    await empty.close();
  });
});
