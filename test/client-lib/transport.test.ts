import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { MAX_ENTRY_BODY_BYTES } from "../../client-lib/protocol/limits.ts";
import { ApiError, createTransport, DaemonUnavailableError } from "../../client-lib/transport.ts";
import { tempDir } from "../support/temp.ts";
import { answerJson, fakeDaemon, refuse } from "./fake-daemon.ts";

const GET = { method: "GET", path: "/x", repeatable: true } as const;
/** Long enough for a loaded machine to answer, where an answer is expected. */
const PATIENT_MS = 20_000;

function connect(socket: string, timeoutMs = PATIENT_MS): ReturnType<typeof createTransport> {
  const transport = createTransport({ socket, timeoutMs });
  onTestFinished(transport.close);
  return transport;
}

async function failure(work: Promise<unknown>): Promise<DaemonUnavailableError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(DaemonUnavailableError);
  return error as DaemonUnavailableError;
}

test("an answer with its status, over one connection", async () => {
  const daemon = await fakeDaemon(({ method, body }, to) => answerJson(to, 201, { method, body }));
  const transport = connect(daemon.socket);
  expect(await transport.call(GET)).toEqual({ statusCode: 201, body: { method: "GET", body: "" } });
  const post = await transport.call({ method: "POST", path: "/x", body: { a: "ç日" }, repeatable: true });
  expect(post.body).toEqual({ method: "POST", body: '{"a":"ç日"}' });
  expect(daemon.connections).toBe(1);
});

test("no socket, and a socket nobody listens on: how to start the daemon", async () => {
  const folder = tempDir("tr");
  onTestFinished(folder.remove);
  const socket = path.join(folder.path, "s");
  const missing = await failure(connect(socket).call(GET));
  expect(missing).toMatchObject({ code: "HD_UNAVAILABLE", socket });
  expect(missing.message).toMatch(/does not exist.*; start it with 'historyd &'$/);
  expect(missing.message).toContain(socket);
  writeFileSync(socket, "");
  expect((await failure(connect(socket).call(GET))).message).toContain("nobody listens");
});

test.for([
  ["before an answer", () => undefined],
  [
    "in the middle of an answer",
    (to: ServerResponse) => {
      to.writeHead(200, { "content-length": 100 });
      to.write("{");
    },
  ],
] as const)("a daemon that stalls %s is given up in time", async ([, start]) => {
  const daemon = await fakeDaemon((_, to) => start(to));
  const error = await failure(connect(daemon.socket, 50).call(GET));
  expect(error.message).toMatch(/did not answer within 50 ms .*allow it more time.*--timeout/);
  expect(error.message).not.toContain("historyd &");
  const own = await failure(connect(daemon.socket).call({ ...GET, timeoutMs: 40 }));
  expect(own.message).toContain("within 40 ms");
});

test("a signal ends the wait with its own reason", async () => {
  const controller = new AbortController();
  const daemon = await fakeDaemon(() => controller.abort(new Error("enough")));
  const transport = connect(daemon.socket);
  await expect(transport.call({ ...GET, signal: controller.signal })).rejects.toThrow("enough");
  await expect(transport.call({ ...GET, signal: controller.signal })).rejects.toThrow("enough");
  expect(daemon.received).toHaveLength(1);
});

test("a kept connection that the daemon closes is tried again, once, and only where that is safe", async () => {
  // The first request on a connection is answered; the second one makes the daemon close it.
  const seen = new Map<number, number>();
  const daemon = await fakeDaemon((_, to, connection) => {
    const nth = (seen.get(connection) ?? 0) + 1;
    seen.set(connection, nth);
    if (nth === 1) answerJson(to, 200, { connection });
    else to.destroy();
  });
  const transport = connect(daemon.socket);
  expect((await transport.call(GET)).body).toEqual({ connection: 1 });
  expect((await transport.call(GET)).body).toEqual({ connection: 2 });
  const post = { method: "POST", path: "/x", body: {}, repeatable: false } as const;
  expect((await transport.call(post)).body).toEqual({ connection: 3 });
  const { message } = await failure(transport.call(post));
  expect(message).toMatch(/closed the connection before it answered.*its log says why/);
  expect(message).not.toContain("historyd &");
});

test("a new connection that is closed before the answer is not tried again", async () => {
  const daemon = await fakeDaemon((_, to) => to.destroy());
  expect((await failure(connect(daemon.socket).call(GET))).message).toContain("closed the connection");
  expect(daemon.received).toHaveLength(1);
});

test("an answer that breaks off is no answer", async () => {
  const daemon = await fakeDaemon((_, to) => {
    to.writeHead(200, { "content-length": 100 });
    to.write('{"a":', () => to.destroy());
  });
  await failure(connect(daemon.socket).call(GET));
});

test("what is not 2xx is an error with the daemon's code and words", async () => {
  const daemon = await fakeDaemon((_, to) => refuse(to, 409, "HD_ID_TAKEN"));
  const error = await connect(daemon.socket)
    .call(GET)
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ statusCode: 409, code: "HD_ID_TAKEN", message: "because of HD_ID_TAKEN" });
});

test("another program on the socket is no daemon", async () => {
  const daemon = await fakeDaemon((_, to) => to.end("<html>"));
  expect((await failure(connect(daemon.socket).call(GET))).message).toContain("is not historyd");
});

test("a body over the route's limit is refused without being sent", async () => {
  const daemon = await fakeDaemon((_, to) => answerJson(to, 200, {}));
  const body = "x".repeat(MAX_ENTRY_BODY_BYTES);
  const transport = connect(daemon.socket);
  await expect(transport.call({ method: "POST", path: "/x", body, repeatable: true })).rejects.toMatchObject({
    code: "HD_TOO_LARGE",
    statusCode: 413,
  });
  await transport.call({ method: "POST", path: "/x", body, repeatable: true, maxBodyBytes: body.length + 2 });
  expect(daemon.received).toHaveLength(1);
});

test("closing ends calls under way, and later ones connect anew", async () => {
  const waiting = new AbortController();
  const daemon = await fakeDaemon((_, to, connection) => {
    if (connection > 1) answerJson(to, 200, {});
    else waiting.abort();
  });
  const transport = connect(daemon.socket);
  const call = failure(transport.call(GET));
  if (!waiting.signal.aborted) await once(waiting.signal, "abort");
  transport.close();
  await call;
  expect((await transport.call(GET)).statusCode).toBe(200);
});
