import { request } from "node:http";
import { connect } from "node:net";
import { once } from "node:events";
import { createClient, type Client } from "@libsql/client";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { startFaultProxy, type Fault, type FaultProxy } from "./fault-proxy.ts";
import { waitFor } from "./processes.ts";
import { startSqld, type Sqld } from "./sqld.ts";

let server: Sqld;
let direct: Client;
let proxy: FaultProxy;
let client: Client;

beforeAll(async () => {
  server = await startSqld();
  direct = createClient({ url: server.url });
});
afterAll(() => server.close());

beforeEach(async () => {
  await direct.batch(["DROP TABLE IF EXISTS t", "CREATE TABLE t (x INTEGER) STRICT"], "write");
  proxy = await startFaultProxy({ targetPort: server.port });
  onTestFinished(proxy.close);
  client = createClient({ url: proxy.url });
  // So that every fault meets a connection that is already open, as it would in a daemon.
  await client.execute("SELECT 1");
});

const insert = (x: number): Promise<unknown> =>
  client.batch([{ sql: "INSERT INTO t VALUES (?)", args: [BigInt(x)] }], "write");
const stored = async (): Promise<unknown[]> =>
  (await direct.execute("SELECT x FROM t ORDER BY x")).rows.map((row) => row[0]);
const causeCode = (error: unknown): unknown =>
  ((error as Error).cause as { code?: unknown } | undefined)?.code;

/** Every fault must also go away again. */
async function expectRecovery(): Promise<void> {
  await proxy.set("pass");
  await insert(100);
  expect(await stored()).toContain(100);
}

test("pass: one connection is kept alive, and what moves is counted", async () => {
  await insert(1);
  await client.execute("SELECT x FROM t");
  expect(proxy.counters).toMatchObject({ connections: 1, requests: 3, droppedResponses: 0 });
  expect(proxy.counters.bytesToServer).toBeGreaterThan(300);
  expect(proxy.counters.bytesToClient).toBeGreaterThan(300);
});

test("pass: a large request, a large answer, and a chunked body", async () => {
  const text = "ä".repeat(1_000_000);
  expect((await client.execute({ sql: "SELECT ?", args: [text] })).rows[0]?.[0]).toBe(text);

  const chunked = request(`${proxy.url}/v2/pipeline`, { method: "POST" });
  const seen = proxy.nextRequest();
  const body = JSON.stringify({ requests: [{ type: "execute", stmt: { sql: "INSERT INTO t VALUES (7)" } }] });
  chunked.write(body.slice(0, 20));
  chunked.end(body.slice(20));
  const [answer] = await once(chunked, "response");
  answer.resume();
  expect(answer.statusCode).toBe(200);
  expect(await seen).toBe(body);
  expect(await stored()).toEqual([7]);
});

test("refuse: nobody listens, and the same port works again afterwards", async () => {
  await proxy.set("refuse");
  // The client may first notice that the connection it has is gone.
  await expect(insert(1)).rejects.toThrow("fetch failed");
  const error: unknown = await insert(1).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TypeError);
  expect(causeCode(error)).toBe("ECONNREFUSED");
  await expectRecovery();
  expect(await stored()).toEqual([100]);
});

describe("the lost answer", () => {
  test("dropResponse: the client sees an error, and the row is there", async () => {
    await proxy.set("dropResponse");
    const error: unknown = await insert(1).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TypeError);
    expect(causeCode(error)).toBe("ECONNRESET");
    expect(await stored()).toEqual([1]);
    expect(proxy.counters.droppedResponses).toBe(1);
    await expectRecovery();
  });

  test("dropNextResponse: only the request that matches, and only once", async () => {
    const { dropped } = proxy.dropNextResponse((body) => body.includes("INSERT INTO t"));
    await client.execute("SELECT 1");
    await expect(insert(1)).rejects.toThrow("fetch failed");
    await dropped;
    await insert(2);
    expect(await stored()).toEqual([1, 2]);
    expect(proxy.counters.droppedResponses).toBe(1);
  });

  test("dropNextResponse can be called off", async () => {
    proxy.dropNextResponse().cancel();
    await insert(1);
    expect(proxy.counters.droppedResponses).toBe(0);
  });
});

describe("broken connections", () => {
  // libuv reports data and a reset that arrive together as data and an end.
  const cut = /^(ECONNRESET|UND_ERR_SOCKET)$/;
  const broken: Array<[Fault, RegExp, number[]]> = [
    ["reset", /^ECONNRESET$/, []],
    [{ resetAfterRequestBytes: 0 }, /^ECONNRESET$/, []],
    [{ resetAfterRequestBytes: 50 }, /^ECONNRESET$/, []],
    [{ resetAfterRequestBytes: 250 }, /^ECONNRESET$/, []],
    [{ resetAfterResponseBytes: 0 }, /^ECONNRESET$/, [1]],
    [{ resetAfterResponseBytes: 10 }, cut, [1]],
    [{ truncate: 0 }, /^UND_ERR_SOCKET$/, [1]],
    [{ truncate: 10 }, /^UND_ERR_SOCKET$/, [1]],
    // In the body: the head has already promised more.
    [{ resetAfterResponseBytes: 400 }, cut, [1]],
    [{ truncate: 400 }, /^UND_ERR_SOCKET$/, [1]],
  ];
  test.each(broken)("%j: %s, and %j is stored", async (fault, code, rows) => {
    await proxy.set(fault);
    const error: unknown = await insert(1).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TypeError);
    expect(causeCode(error)).toMatch(code);
    expect(await stored()).toEqual(rows);
    await expectRecovery();
  });

  test.each([
    { resetAfterRequestBytes: 1_000_000 },
    { resetAfterResponseBytes: 1_000_000 },
    { truncate: 1_000_000 },
  ])("%j: shorter messages pass", async (fault) => {
    await proxy.set(fault);
    await insert(1);
    await insert(2);
    expect(await stored()).toEqual([1, 2]);
  });

  test("a server that is killed looks like a broken connection", async () => {
    await server.kill();
    try {
      await expect(insert(1)).rejects.toThrow("fetch failed");
    } finally {
      await server.restart();
    }
    await expectRecovery();
  });
});

describe("no answer", () => {
  test("stall: what waits goes on afterwards", async () => {
    await proxy.set("stall");
    const arrived = proxy.nextRequest();
    const pending = insert(1);
    await arrived;
    expect(await stored()).toEqual([]);
    await proxy.set("pass");
    await pending;
    expect(await stored()).toEqual([1]);
  });

  test("stall: a request whose client has given up never reaches the server", async () => {
    const { signal, abort } = newAbort();
    const impatient = createClient({ url: proxy.url, fetch: (input: Request) => fetch(input, { signal }) });
    await proxy.set("stall");
    const arrived = proxy.nextRequest();
    const pending = impatient.batch(["INSERT INTO t VALUES (1)"], "write");
    await arrived;
    const open = proxy.counters.openConnections;
    abort();
    await expect(pending).rejects.toMatchObject({ name: "AbortError" });
    await waitFor(() => proxy.counters.openConnections < open, { what: "the end of the connection" });
    await expectRecovery();
    expect(await stored()).toEqual([100]);
  });

  test("halfOpen: old and new connections stay unanswered, also after recovery", async () => {
    await proxy.set("halfOpen");
    const { signal, abort } = newAbort();
    const impatient = createClient({ url: proxy.url, fetch: (input: Request) => fetch(input, { signal }) });
    const arrived = proxy.nextRequest();
    const pending = impatient.batch(["INSERT INTO t VALUES (1)"], "write");
    await arrived;

    const socket = connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true });
    onTestFinished(() => void socket.destroy());
    let ended = false;
    socket.on("end", () => (ended = true));
    const alsoArrived = proxy.nextRequest((body) => body === "hi");
    socket.end("POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\nhi");
    await alsoArrived;

    await expectRecovery();
    abort();
    await expect(pending).rejects.toMatchObject({ name: "AbortError" });
    expect(ended).toBe(false);
    expect(await stored()).toEqual([100]);
  });

  test("latencyMs: late but whole", async () => {
    await proxy.set({ latencyMs: 20 });
    const text = "x".repeat(500_000);
    const startMs = performance.now();
    expect((await client.execute({ sql: "SELECT ?", args: [text] })).rows[0]?.[0]).toBe(text);
    expect(performance.now() - startMs).toBeGreaterThan(38);
  });
});

describe("answers of others", () => {
  test.each([401, 429, 502])("status %d is a LibsqlError with the status in its cause", async (status) => {
    await proxy.set({ respond: { status, headers: { "content-type": "text/plain" }, body: "no" } });
    await expect(insert(1)).rejects.toMatchObject({
      name: "LibsqlError",
      code: "SERVER_ERROR",
      cause: { status },
    });
    expect(await stored()).toEqual([]);
    await expectRecovery();
  });

  test("a captive portal's page is a SyntaxError", async () => {
    await proxy.set({
      respond: { status: 200, headers: { "content-type": "text/html" }, body: "<html>Log in</html>" },
    });
    await expect(insert(1)).rejects.toBeInstanceOf(SyntaxError);
    expect(await stored()).toEqual([]);
    await expectRecovery();
  });
});

function newAbort(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
