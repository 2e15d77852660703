import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { createClient, type Client } from "@libsql/client";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { waitFor } from "./processes.ts";
import { startSqld, type Sqld } from "./sqld.ts";
import { tempDir } from "./temp.ts";

const connect = (server: Sqld, authToken?: string): Client =>
  createClient({ url: server.url, ...(authToken === undefined ? {} : { authToken }) });

async function start(options: Parameters<typeof startSqld>[0] = {}): Promise<Sqld> {
  const server = await startSqld(options);
  onTestFinished(server.close);
  return server;
}

const stateOf = (pid: number): string =>
  spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).stdout;

describe("life and death", () => {
  test("what was written is there after stop, kill and restart, on the same port", async () => {
    const server = await start();
    const client = connect(server);
    await client.execute("CREATE TABLE t (x INTEGER) STRICT");
    const firstPid = server.pid;

    await client.execute("INSERT INTO t VALUES (1)");
    await server.stop();
    await expect(client.execute("SELECT 1")).rejects.toThrow("fetch failed");
    await server.restart();
    await client.execute("INSERT INTO t VALUES (2)");
    await server.kill();
    await server.restart();

    expect((await client.execute("SELECT x FROM t")).rows.map((row) => row[0])).toEqual([1, 2]);
    expect(server.pid).not.toBe(firstPid);
  });

  test("it can go on with an older copy of its data", async () => {
    const server = await start();
    const client = connect(server);
    await client.batch(["CREATE TABLE t (x INTEGER) STRICT", "INSERT INTO t VALUES (1)"], "write");
    await server.stop();
    const copy = tempDir("sqld-copy");
    onTestFinished(copy.remove);
    cpSync(server.dir, join(copy.path, "data"), { recursive: true });
    await server.restart();
    await client.execute("INSERT INTO t VALUES (2)");

    await server.restart({ dir: join(copy.path, "data") });

    expect(server.dir).toBe(join(copy.path, "data"));
    expect((await client.execute("SELECT x FROM t")).rows.map((row) => row[0])).toEqual([1]);
  });

  test("a paused server answers when it is resumed, and can be stopped while it is paused", async () => {
    const server = await start();
    const client = connect(server);
    await client.execute("SELECT 1");
    server.pause();
    let answered = false;
    const answer = client.execute("SELECT 2").finally(() => (answered = true));
    await waitFor(() => stateOf(server.pid).startsWith("T"), { what: "a stopped server" });
    expect(answered).toBe(false);
    server.resume();
    expect((await answer).rows[0]?.[0]).toBe(2);
    server.pause();
    await server.stop();
  });

  test("a port that is taken is an error when it was asked for", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void other.close());
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    await expect(startSqld({ port })).rejects.toThrow("Address already in use");
  });
});

describe("tokens", () => {
  let server: Sqld;
  beforeAll(async () => {
    server = await startSqld({ jwt: true });
  });
  afterAll(() => server.close());

  test("a valid token opens the door", async () => {
    expect((await connect(server, server.token()).execute("SELECT 1")).rows[0]?.[0]).toBe(1);
  });

  test.each([
    ["no token", () => undefined],
    ["an expired token", () => server.expiredToken()],
    ["a token of another key", () => `${server.token().slice(0, -8)}AAAAAAAA`],
  ])("%s: 401", async (_name, token) => {
    await expect(connect(server, token()).execute("SELECT 1")).rejects.toMatchObject({
      name: "LibsqlError",
      code: "SERVER_ERROR",
      cause: { status: 401 },
    });
  });

  test("a token for reading cannot write", async () => {
    const reader = connect(server, server.token({ a: "ro" }));
    await reader.execute("SELECT 1");
    await expect(reader.execute("CREATE TABLE t (x)")).rejects.toMatchObject({
      code: "SERVER_ERROR",
      cause: { status: 403 },
    });
  });

  test("a server without keys has no token to give", async () => {
    const open = await start();
    expect(() => open.token()).toThrow("jwt: true");
  });
});
