import { once } from "node:events";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { listen } from "../../daemon/http/socket.ts";
import { requestOn } from "../support/daemon.ts";
import { waitFor } from "../support/processes.ts";
import { type Api, createApi } from "./api.ts";
import { openWire, parseAnswer } from "./wire.ts";

let api: Api;
let path: string;
async function start(drainMs: number): Promise<void> {
  api = await createApi({ drainMs });
  path = join(api.machine.home, "s");
  await listen(api.server, path);
}
beforeEach(() => start(20_000));
afterEach(() => api.close());

const BODY = '{"command":"slow"}';
const HEAD = `POST /v1/history HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n`;
/** Resolves when the server has seen the headers of its next request. */
const nextRequest = () => once(api.server.server, "request");

it("a request that is still being sent is answered, on a connection that then ends", async () => {
  const wire = await openWire(path);
  const seen = nextRequest();
  wire.socket.write(HEAD + BODY.slice(0, 5));
  await seen;
  const closed = api.server.close();
  wire.socket.write(BODY.slice(5));
  expect(parseAnswer(await wire.ended)).toMatchObject({ status: 201, body: { command: "slow" } });
  await closed;
  await expect(requestOn(path, "GET", "/v1/health")).rejects.toThrow(/ENOENT|ECONNREFUSED/);
});

it("an answer that its client reads slowly is sent to its end", async () => {
  const response = "x".repeat(3_000_000);
  for (let count = 0; count < 5; count++) await api.add({ command: "large", response });
  const wire = await openWire(path);
  wire.socket.pause();
  const seen = nextRequest();
  wire.socket.write("GET /v1/history HTTP/1.1\r\nhost: x\r\n\r\n");
  const [, reply] = await seen;
  await waitFor(() => reply.writableEnded, { what: "the whole answer in the server's hands" });
  const closed = api.server.close();
  wire.socket.resume();
  const { status, body } = parseAnswer(await wire.ended);
  expect(status).toBe(200);
  expect(body.entries).toHaveLength(5);
  await closed;
});

it("a connection that asks for nothing does not hold it up", async () => {
  const silent = await openWire(path);
  const unfinished = await openWire(path);
  unfinished.socket.write("GET /v1/health HTTP/1.1\r\n");
  const kept = await openWire(path);
  kept.socket.write("GET /v1/health HTTP/1.1\r\nhost: x\r\n\r\n");
  await kept.until(/\}$/);
  await api.server.close();
  for (const wire of [silent, unfinished, kept]) await wire.ended;
});

it("a request that never ends does not hold it up for ever", async () => {
  await api.close();
  await start(100);
  const wire = await openWire(path);
  const seen = nextRequest();
  wire.socket.write(HEAD + BODY.slice(0, 5));
  await seen;
  await api.server.close();
  expect(await wire.ended).toBe("");
});

it("a request that comes while others are being finished is answered too", async () => {
  const slow = await openWire(path);
  const kept = await openWire(path);
  const seen = nextRequest();
  slow.socket.write(HEAD + BODY.slice(0, 5));
  await seen;
  const closed = api.server.close();
  kept.socket.write(HEAD + BODY);
  await kept.until(/\}$/);
  slow.socket.write(BODY.slice(5));
  expect(parseAnswer(await kept.ended)).toMatchObject({ status: 201 });
  expect(parseAnswer(await slow.ended)).toMatchObject({ status: 201 });
  await closed;
});
