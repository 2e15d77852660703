import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { createClient, type StreamEvent } from "../../client-lib/index.ts";
import { readEvents } from "../../client-lib/event-stream.ts";
import { startDaemon } from "../support/daemon.ts";
import { fakeDaemon, refuse } from "./fake-daemon.ts";

/** The first events, as many as that; leaving the loop ends the stream. */
async function take(events: AsyncIterable<StreamEvent>, count: number): Promise<StreamEvent[]> {
  const taken: StreamEvent[] = [];
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

test("a daemon tells how sync stands, what is recorded and what is changed; and ends the stream when it stops", async () => {
  const daemon = await startDaemon();
  onTestFinished(daemon.close);
  const client = createClient({ env: daemon.env });
  onTestFinished(client.close);
  const events = client.events()[Symbol.asyncIterator]();
  const first = { type: "sync", data: { state: "waiting", pending: 0, first_sync: null } };
  expect(await events.next()).toEqual({ done: false, value: first });
  const recorded = await client.record({ command: "one" });
  if (recorded.stored !== "daemon") throw new Error("expected the daemon to take it");
  const { id } = recorded.entry;
  expect((await events.next()).value).toEqual({ type: "entry", data: { id, action: "recorded" } });
  expect((await events.next()).value).toMatchObject({ type: "sync", data: { pending: 1 } });
  await client.edit(id, { note: "n" });
  expect((await events.next()).value).toEqual({ type: "entry", data: { id, action: "changed" } });
  const batch = await client.recordBatch([{ command: "two" }, { command: "three" }]);
  if (batch.stored !== "daemon") throw new Error("expected the daemon to take it");
  for (const entry of batch.entries)
    expect((await events.next()).value).toEqual({
      type: "entry",
      data: { id: entry.id, action: "recorded" },
    });
  const stopped = daemon.stop();
  let last = await events.next();
  while (last.done !== true) last = await events.next();
  expect(await stopped).toMatchObject({ code: 0 });
});

test("types are asked for, and events arrive whole however they are cut", async () => {
  const text = `retry: 3000\n\nevent: entry\ndata: {"id":"ção🚀","action":"received"}\n\n:\n\nevent: new\ndata:[1]\n\n`;
  const bytes = Buffer.from(text);
  const daemon = await fakeDaemon((_, to) => {
    to.writeHead(200, { "content-type": "text/event-stream" });
    let at = 0;
    const next = (): void => {
      if (at === bytes.length) to.end();
      else to.write(bytes.subarray(at, ++at), next);
    };
    next();
  });
  const client = createClient({ socket: daemon.socket });
  expect(await take(client.events({ types: ["entry", "sync"] }), 9)).toEqual([
    { type: "entry", data: { id: "ção🚀", action: "received" } },
    { type: "new", data: [1] },
  ]);
  expect(daemon.received[0]?.path).toBe("/v1/events?types=entry%2Csync");
});

test("leaving the loop, or the signal, closes the connection", async () => {
  const closed: Promise<unknown>[] = [];
  const daemon = await fakeDaemon((_, to) => {
    closed.push(once(to, "close"));
    to.writeHead(200, { "content-type": "text/event-stream" });
    to.write("event: reconcile\ndata: {}\n\n");
  });
  const client = createClient({ socket: daemon.socket });
  expect(await take(client.events(), 1)).toHaveLength(1);
  await closed[0];
  const giveUp = new AbortController();
  const events = client.events({ signal: giveUp.signal })[Symbol.asyncIterator]();
  await events.next();
  const waiting = events.next();
  giveUp.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
  await closed[1];
  await expect(take(client.events({ signal: giveUp.signal }), 1)).rejects.toThrow("enough");
});

test("whoever cannot listen is told why", async () => {
  const refusing = await fakeDaemon((_, to) => refuse(to, 400, "HD_INVALID"));
  await expect(take(createClient({ socket: refusing.socket }).events(), 1)).rejects.toMatchObject({
    name: "ApiError",
    code: "HD_INVALID",
  });
  const other = await fakeDaemon((_, to) => to.writeHead(502).end("<html>"));
  await expect(take(createClient({ socket: other.socket }).events(), 1)).rejects.toMatchObject({
    name: "DaemonUnavailableError",
    message: expect.stringContaining("is not historyd") as string,
  });
  await expect(take(createClient({ socket: "/nowhere/s" }).events(), 1)).rejects.toMatchObject({
    name: "DaemonUnavailableError",
    message: expect.stringContaining("historyd is not running") as string,
  });
});

test("a connection that breaks, and one on which nothing comes any more, are errors", async () => {
  const breaking = await fakeDaemon((_, to) => {
    to.writeHead(200, { "content-type": "text/event-stream" });
    to.write("event: reconcile\ndata: {}\n\n", () => to.destroy());
  });
  await expect(take(createClient({ socket: breaking.socket }).events(), 9)).rejects.toMatchObject({
    code: "HD_UNAVAILABLE",
  });
  const silent = await fakeDaemon((_, to) => {
    to.writeHead(200, { "content-type": "text/event-stream" });
    to.flushHeaders();
  });
  const events = readEvents({ socket: silent.socket, path: "/v1/events", silenceMs: 50 });
  await expect(take(events, 1)).rejects.toMatchObject({
    code: "HD_UNAVAILABLE",
    message: expect.stringContaining("said nothing for 50 ms") as string,
  });
});
