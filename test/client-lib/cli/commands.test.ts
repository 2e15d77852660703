import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type Client, createClient, type Entry } from "../../../client-lib/index.ts";
import { bareEnv, startDaemon, type TestDaemon } from "../../support/daemon.ts";
import { startSqld } from "../../support/sqld.ts";
import { tempDir } from "../../support/temp.ts";
import { historyctl, type Ran, runHere } from "./historyctl.ts";

let daemon: TestDaemon;
let client: Client;

beforeAll(async () => {
  daemon = await startDaemon();
  client = createClient({ env: daemon.env });
});
afterAll(async () => {
  await client.close();
  await daemon.close();
});

const here = (args: readonly string[], options: Parameters<typeof runHere>[1] = {}): Promise<Ran> =>
  runHere(args, { env: daemon.env, ...options });

async function stored(command: string, fields: object = {}): Promise<Entry> {
  const result = await client.record({ command, ...fields });
  if (result.stored !== "daemon") throw new Error("expected the daemon to take it");
  return result.entry;
}

/** What list shows of an id. */
const short = (entry: Entry): string => entry.id.slice(-8);

describe("add and show", () => {
  test("every option arrives", async () => {
    const answer = path.join(daemon.home, "answer.md");
    writeFileSync(answer, "line 1\nline 2\n");
    const ran = await here([
      ..."add --kind chat --scope user --tag a --tag b --note careful --exit-code -1 --duration-ms 1500".split(
        " ",
      ),
      ..."--cwd sub --session s1 --user maria --json --response-file".split(" "),
      answer,
      ..."how do I".split(" "),
    ]);
    expect(ran).toMatchObject({ code: 0, err: "" });
    const { stored: where, entry } = JSON.parse(ran.out) as { stored: string; entry: Entry };
    expect(where).toBe("daemon");
    expect(entry).toMatchObject({
      command: "how do I",
      kind: "chat",
      scope: "user",
      tags: ["a", "b"],
      note: "careful",
      exit_code: -1,
      duration_ms: 1500,
      cwd: "/home/maria/sub",
      session_id: "s1",
      user: "maria",
      response: "line 1\nline 2\n",
    });
    expect(await client.get(entry.id)).toEqual(entry);
  });

  test("a command with options of its own goes after --, and one from standard input is -", async () => {
    const ran = await historyctl(["add", "--", "ls", "-la"], { env: daemon.env, cwd: daemon.home });
    expect(ran).toMatchObject({ code: 0, out: expect.stringMatching(/^recorded [0-9a-f]{8}\n$/) });
    const piped = await historyctl(["add", "-"], { env: daemon.env, input: "for i in 1 2\ndo :; done\n" });
    expect(piped.code).toBe(0);
    const { entries } = await client.list({ limit: 2 });
    expect(entries.map(({ command }) => command)).toEqual(["for i in 1 2\ndo :; done", "ls -la"]);
    expect(entries[1]?.cwd).toBe(daemon.home);
  });

  test("show by the whole id and by its end, for people and for programs", async () => {
    const entry = await stored("docker\tcompose up\nsecond line", {
      response: "it \u001B[31mworks\n\nreally",
      exit_code: 2,
      duration_ms: 65_000,
      tags: ["x"],
    });
    for (const id of [entry.id, entry.id.toUpperCase(), short(entry), entry.id.slice(-12)]) {
      const ran = await here(["show", id]);
      expect(ran).toMatchObject({ code: 0, err: "" });
      expect(ran.out).toMatch(/^command {2}docker\tcompose up\n {9}second line\nexit {5}2, took 1 min\nwhen/);
      expect(ran.out).toMatch(/\nid {7}[0-9a-f-]{36}\n/);
      expect(ran.out.endsWith("\n\nit \\x1b[31mworks\n\nreally\n")).toBe(true);
    }
    const json = await here(["show", short(entry), "--json"]);
    expect(JSON.parse(json.out)).toEqual(entry);
  });

  test("show of what is not there, not an id, or not the only one", async () => {
    const ids = ["0197a3f2-8c1e-7b52-9c55-00000000abcd", "0197a3f2-8c1e-7b52-9c56-00000000abcd"];
    for (const id of ids) await stored("twin", { id });
    const several = await here(["show", "abcd"]);
    expect(several).toMatchObject({ code: 1, out: "" });
    for (const id of ids) expect(several.err).toContain(id);
    expect((await here(["show", "9c56-00000000abcd"])).code).toBe(0);
    expect(await here(["show", "0000ffff"])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^historyctl: no entry ends in '0000ffff'.*\n$/),
    });
    expect(await here(["show", "0197a3f2-8c1e-7b52-9c55-000000000001"])).toMatchObject({
      code: 1,
      err: expect.stringContaining("there is no entry"),
    });
    expect((await here(["show", "x\u001B[2Jx"])).err).toContain("'x\\x1b[2Jx' is no id");
  });

  test("an entry far back is found by the end of its id", async () => {
    const far = await stored("far back", { timestamp: 1000 });
    await client.recordBatch(Array.from({ length: 150 }, (_, index) => ({ command: `filler ${index}` })));
    expect((await here(["show", short(far)])).out).toContain("far back");
  });

  test("what the daemon refuses", async () => {
    const refused = await here(["add", "x".repeat(2 ** 20 + 1)]);
    expect(refused).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringContaining("body.command: expected at most"),
    });
    const missing = await here(["add", "--response-file", "/nowhere", "x"]);
    expect(missing).toMatchObject({ code: 1, err: expect.stringContaining("ENOENT") });
  });
});

describe("list and search", () => {
  test("filters, limit and pages", async () => {
    const old = await stored("filtered old", {
      timestamp: 1_700_000_000_000,
      session_id: "f",
      cwd: "/home/maria/f",
    });
    const middle = await stored("filtered middle", {
      timestamp: 1_700_000_100_000,
      session_id: "f",
      kind: "chat",
    });
    const young = await stored("filtered young", {
      session_id: "f",
      exit_code: 3,
      tags: ["t"],
      user: "joão",
    });
    const ids = async (...args: string[]): Promise<string[]> => {
      const { code, out } = await here(["list", "--session", "f", "--json", ...args]);
      expect(code).toBe(0);
      return (JSON.parse(out) as { entries: Entry[] }).entries.map(({ id }) => id);
    };
    expect(await ids()).toEqual([young.id, middle.id, old.id]);
    expect(await ids("--since", "1h")).toEqual([young.id]);
    expect(await ids("--until", "1700000100000")).toEqual([old.id]);
    expect(await ids("--since", "2023-11-14T22:13:21Z", "--until", "2d")).toEqual([middle.id]);
    expect(await ids("--kind", "chat")).toEqual([middle.id]);
    expect(await ids("--exit-code", "3")).toEqual([young.id]);
    expect(await ids("--tag", "t")).toEqual([young.id]);
    expect(await ids("--user", "joão", "--mode", "user")).toEqual([young.id]);
    expect(await ids("--cwd", "f")).toEqual([old.id]);
    expect(await ids("--machine", young.machine_id, "--mode", "machine", "--limit", "2")).toEqual([
      young.id,
      middle.id,
    ]);
    expect(await ids("--machine", "elsewhere")).toEqual([]);

    const page = await here(["list", "--session", "f", "--limit", "2"]);
    const cursor = /add --cursor (\S+)\n/.exec(page.err)?.[1] ?? "";
    expect(await ids("--cursor", cursor)).toEqual([old.id]);
    const found = await here(["search", "--session", "f", "--json", "filter", "mid"]);
    expect((JSON.parse(found.out) as { results: Entry[] }).results.map(({ id }) => id)).toEqual([middle.id]);
  });

  test("tables for people, also when there is nothing to show", async () => {
    const entry = await stored("rsync ção 日本", { tags: ["shown"], exit_code: 0 });
    const list = await here(["list", "--tag", "shown"], { now: () => entry.timestamp + 5000 });
    expect(list.out.replace(/ +/g, " ")).toBe(
      `ID WHEN EXIT WHO COMMAND\n${short(entry)} 5s 0 ${entry.hostname} rsync ção 日本\n`,
    );
    const search = await here(["search", "rsync cao", "--tag", "shown"], { color: true, width: 80 });
    expect(search.out).toContain("\u001B[1;7mrsync\u001B[22;27m \u001B[1;7mção\u001B[22;27m 日本");
    expect((await here(["list", "--tag", "none"])).out).toBe("no entries\n");
    expect((await here(["search", "nowhereatall"])).out).toBe("nothing found\n");
    expect(JSON.parse((await here(["search", "nowhereatall", "--json"])).out)).toEqual({ results: [] });
  });

  test("what is text for the daemon is text here", async () => {
    const entry = await stored(`git log --no-pager "quoted" C:\\x; *`);
    for (const q of [["--", "--no-pager"], ['"quoted"'], ["C:\\x;"], ["*"]]) {
      const { out } = await here(["search", "--json", ...q]);
      expect((JSON.parse(out) as { results: Entry[] }).results.map(({ id }) => id)).toContain(entry.id);
    }
  });

  test("a terminal sees no control characters, a program sees them as they are", async () => {
    const command = "echo \u001B]52;c;ZXZpbA==\u0007 \u009B2J \u202Etxt";
    const entry = await stored(command, { tags: ["evil"], user: "e\u001B[2Jvil", note: "\u001B[2J" });
    for (const args of [
      ["list", "--tag", "evil"],
      ["search", "--tag", "evil", "echo"],
      ["show", entry.id],
    ]) {
      const { out } = await here(args);
      expect(out).toContain("\\x1b]52;c;ZXZpbA==\\x07 \\x9b2J \\u{202e}txt");
      // oxlint-disable-next-line no-control-regex -- they are what it is about
      expect(out).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202E]/);
    }
    const { out } = await here(["show", entry.id, "--json"]);
    expect((JSON.parse(out) as Entry).command).toBe(command);
  });

  test("a refusal of the daemon is its own words", async () => {
    expect(await here(["list", "--mode", "user"])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^historyctl: query\.mode: 'user' needs a user.*\n$/),
    });
    expect(await here(["list", "--cursor", "x"])).toMatchObject({
      code: 1,
      err: expect.stringContaining("cursor"),
    });
  });
});

describe("status and sync", () => {
  test("status on one screen", async () => {
    const { code, out, err } = await here(["status"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out.split("\n").length).toBeLessThan(24);
    for (const part of [String(daemon.process.pid), daemon.home, daemon.socket, "sync is off", "pending"]) {
      expect(out).toContain(part);
    }
    const json = await here(["--json", "status"]);
    expect(JSON.parse(json.out)).toMatchObject({ pid: daemon.process.pid, sync: { enabled: false } });
  });

  test("sync without a remote", async () => {
    expect(await here(["sync"])).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringContaining("sync is off"),
    });
    const status = await here(["sync", "--status"]);
    expect(status).toMatchObject({ code: 0, out: expect.stringMatching(/^sync {3}waiting: sync is off/) });
    expect(JSON.parse((await here(["sync", "--status", "--json"])).out)).toMatchObject({ state: "waiting" });
  });

  test("sync with a remote, and with one that has gone", async () => {
    const sqld = await startSqld();
    onTestFinished(sqld.close);
    const synced = await startDaemon({
      env: { TURSO_DATABASE_URL: sqld.url, HISTORYD_SYNC_OFFLINE_MODE: "always" },
    });
    onTestFinished(synced.close);
    const run = (...args: string[]): Promise<Ran> => historyctl(args, { env: synced.env });
    await run("add", "one");
    expect((await run("sync")).out).toMatch(/^sent 1, received 0 \(\d+ requests?, [\d.]+ m?s\)\n$/);
    expect((await run("sync")).out).toMatch(/^nothing to send or receive \(/);
    expect(JSON.parse((await run("sync", "--json")).out)).toMatchObject({
      uploaded: 0,
      state: "synced",
      pending: 0,
    });
    const status = await run("status");
    expect(status.out).toMatch(
      /sync {7}synced.*\nqueue {6}nothing to send\nremote.*revision 1 of 1\ntimes.*worked/,
    );
    await sqld.stop();
    expect(await run("sync")).toMatchObject({ code: 1, err: expect.stringMatching(/^historyctl: .*\n$/) });
    expect((await run("sync", "--status")).out).toMatch(/^sync {4}offline.*\n(.*\n)*error {3}/);
  });
});

test("every command speaks to the daemon that the options name", async () => {
  const env = { HOME: "/nowhere" };
  expect((await runHere(["status", "--home", daemon.home], { env })).code).toBe(0);
  expect((await runHere(["status", "--socket", daemon.socket], { env })).code).toBe(0);
  expect((await runHere(["--socket", daemon.socket, "list", "--limit", "1"], { env })).code).toBe(0);
  expect(await runHere(["status"], { env: {} })).toMatchObject({
    code: 1,
    err: expect.stringContaining("set HISTORYD_HOME"),
  });
});

describe("without a daemon", () => {
  test("exit code 3, and how to start it", async () => {
    const { path: home, remove } = tempDir("no");
    onTestFinished(remove);
    for (const args of [
      ["status"],
      ["list"],
      ["search", "x"],
      ["show", "abcd"],
      ["sync"],
      ["sync", "conflicts"],
      ["sync", "resolve", "--auto"],
      ["delete", "abcd"],
      ["restore", "abcd"],
      ["purge", "abcd", "--yes"],
      ["audit"],
      ["status", "--json"],
    ]) {
      const ran = await runHere(args, { env: bareEnv(home) });
      expect(ran).toMatchObject({ code: 3, out: "" });
      expect(ran.err).toMatch(/^historyctl: historyd is not running.*historyd &.*\n$/);
      expect(ran.err).toContain(path.join(home, "run/historyd.sock"));
    }
  });

  test("add spools, says so, and the daemon has it later", async () => {
    const { path: home, remove } = tempDir("no");
    onTestFinished(remove);
    const ran = await historyctl(["add", "one"], { env: bareEnv(home) });
    expect(ran).toMatchObject({ code: 0, out: expect.stringMatching(/^spooled [0-9a-f]{8}\n$/) });
    expect(ran.err).toMatch(/not available.*spool/);
    const json = await historyctl(["add", "two", "--json"], { env: bareEnv(home) });
    const { id, stored: where } = JSON.parse(json.out) as { id: string; stored: string };
    expect(where).toBe("spool");
    const later = await startDaemon({ home });
    onTestFinished(later.close);
    const get = (): Promise<boolean> =>
      later.request("GET", `/v1/history/${id}`).then(({ status }) => status === 200);
    await later.process.waitFor(get, { what: "the spooled entry" });
  });

  test("a daemon that stalls is waited for as long as --timeout says", async () => {
    const stalled = await startDaemon();
    onTestFinished(stalled.close);
    stalled.process.signal("SIGSTOP");
    const ran = await runHere(["status", "--timeout", "0.05"], { env: stalled.env });
    expect(ran).toMatchObject({ code: 3, err: expect.stringContaining("within 50 ms") });
  });

  test("neither daemon nor disk", async () => {
    const { path: home, remove } = tempDir("no");
    onTestFinished(remove);
    writeFileSync(path.join(home, "spool"), "");
    expect(await runHere(["add", "x"], { env: bareEnv(home) })).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^historyctl: the entry is stored nowhere/),
    });
  });
});
