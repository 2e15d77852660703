import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listen } from "../../daemon/http/socket.ts";
import { requestOn } from "../support/daemon.ts";
import { type Api, createApi } from "./api.ts";
import { openWire, parseAnswer, sendRaw } from "./wire.ts";

let api: Api;
let path: string;
const errors: unknown[] = [];
beforeAll(async () => {
  api = await createApi({ requestTimeoutMs: 200, onError: (fields) => errors.push(fields) });
  path = join(api.machine.home, "s");
  await listen(api.server, path);
});
afterAll(async () => {
  await api.close();
});

const head = (bytes: number, more = ""): string =>
  `POST /v1/history HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${bytes}\r\n${more}\r\n`;
const LS = '{"command":"ls"}';
const total = async (): Promise<number> => (await api.call("GET", "/v1/stats")).body.cache.total;
const expectAlive = async () =>
  expect(await requestOn(path, "GET", "/v1/health")).toMatchObject({ status: 200 });

describe("what is not HTTP", () => {
  it.each([
    ["words", "hello world\r\n\r\n"],
    ["a TLS handshake", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["JSON", '{"command":"ls"}\n'],
    ["two lengths", head(16, "content-length: 17\r\n") + LS],
    [
      "a bad chunk",
      head(16, "transfer-encoding: chunked\r\n").replace("content-length: 16\r\n", "") + "zz\r\n",
    ],
    ["a header without a colon", "GET /v1/health HTTP/1.1\r\nhost\r\n\r\n"],
  ])("is told so in JSON, and cut off: %s", async (_, bytes) => {
    const { status, body } = parseAnswer(await sendRaw(path, bytes));
    expect(status).toBe(400);
    expect(body).toEqual({
      statusCode: 400,
      code: "HD_BAD_REQUEST",
      error: "Bad Request",
      message: "the request is not HTTP",
    });
    await expectAlive();
  });

  it.each([
    ["headers", `GET /v1/health HTTP/1.1\r\nhost: x\r\nx: ${"a".repeat(20_000)}\r\n\r\n`],
    ["an address", `GET /v1/health?${"a".repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`],
  ])("has %s that are too large: 431", async (_, bytes) => {
    const { status, body } = parseAnswer(await sendRaw(path, bytes));
    expect(status).toBe(431);
    expect(body).toMatchObject({ statusCode: 431, code: "HD_BAD_REQUEST" });
    expect(body.message).toMatch(/headers.*too large/);
    await expectAlive();
  });

  it("a request without a Host header is answered: on a Unix socket it would say nothing", async () => {
    const received = await sendRaw(path, "GET /v1/health HTTP/1.1\r\nconnection: close\r\n\r\n");
    expect(parseAnswer(received)).toMatchObject({ status: 200, body: { status: "ok" } });
  });

  it("a request of HTTP/1.0 is answered, and its connection closed", async () => {
    expect(parseAnswer(await sendRaw(path, "GET /v1/health HTTP/1.0\r\n\r\n"))).toMatchObject({
      status: 200,
    });
  });
});

describe("slow clients", () => {
  it.each([
    ["say nothing", ""],
    ["stop in the headers", "POST /v1/history HTTP/1.1\r\nhost: x\r\n"],
    ["stop in the body", `${head(16)}{"comm`],
  ])("that %s are cut off with 408", async (_, bytes) => {
    const before = await total();
    const { status, body } = parseAnswer(await sendRaw(path, bytes));
    expect(status).toBe(408);
    expect(body).toMatchObject({ code: "HD_BAD_REQUEST", error: "Request Timeout" });
    expect(body.message).toContain("200 ms");
    expect(await total()).toBe(before);
    await expectAlive();
  });

  it("that close their half of the connection after the request are answered", async () => {
    const wire = await openWire(path);
    wire.socket.end(head(16) + LS);
    expect(parseAnswer(await wire.ended)).toMatchObject({ status: 201, body: { command: "ls" } });
  });

  it("that send one byte at a time are answered", async () => {
    const wire = await openWire(path);
    for (const byte of head(16) + LS) {
      await new Promise<void>((resolve) => wire.socket.write(byte, () => resolve()));
    }
    await wire.until(/\}$/);
    expect(parseAnswer(wire.received())).toMatchObject({ status: 201 });
    wire.socket.destroy();
  });
});

describe("clients that leave", () => {
  it.each([
    ["in the headers", "POST /v1/history HTTP/1.1\r\nhost: x\r\n"],
    ["in the body", `${head(16)}{"comm`],
  ])("%s record nothing and break nothing", async (_, bytes) => {
    const before = await total();
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const wire = await openWire(path);
        await new Promise<void>((resolve) => wire.socket.write(bytes, () => resolve()));
        wire.socket.destroy();
      }),
    );
    await expectAlive();
    expect(await total()).toBe(before);
  });

  it("before the answer have still recorded their entry, once", async () => {
    const id = "0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33";
    const body = JSON.stringify({ id, command: "left early" });
    const wire = await openWire(path);
    await new Promise<void>((resolve) => wire.socket.write(head(body.length) + body, () => resolve()));
    wire.socket.destroy();
    // The same request again is the client's way to know; whichever comes first, there is one entry.
    const again = await requestOn(path, "POST", "/v1/history", body);
    expect([200, 201]).toContain(again.status);
    expect((await api.call("GET", "/v1/search?q=early")).body.results).toHaveLength(1);
  });
});

describe("many clients", () => {
  it("200 connections at a time are all answered", async () => {
    const before = await total();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        requestOn(path, "POST", "/v1/history", { command: `parallel ${index}` }),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(200);
    expect(await total()).toBe(before + 200);
  });

  it("several requests on one connection are answered in their order", async () => {
    const wire = await openWire(path);
    const get = (id: string): string => `GET /v1/history/${id} HTTP/1.1\r\nhost: x\r\n\r\n`;
    wire.socket.write(`${get("a")}${head(16)}${LS}${get("b")}`);
    const received = await wire.until(/"b\\""\}$/);
    expect([...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual([
      "400",
      "201",
      "400",
    ]);
    wire.socket.destroy();
  });
});

it("none of this was a fault of ours", () => {
  expect(errors).toEqual([]);
});
