import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { SyncStatus } from "../../client-lib/protocol/sync.ts";
import { listen } from "../../daemon/http/socket.ts";
import { waitFor } from "../support/processes.ts";
import { createVirtualTime, type VirtualTime } from "../support/virtual-time.ts";
import { type Api, createApi } from "./api.ts";
import { openWire, type Wire } from "./wire.ts";

let api: Api;
let path: string;
let time: VirtualTime;
/** What sync is said to be at the moment. */
let standing: Partial<SyncStatus>;
let broken: boolean;

beforeEach(async () => {
  time = createVirtualTime();
  standing = { state: "synced", pending: 0, first_sync: null };
  broken = false;
  api = await createApi({
    timers: time.timers,
    drainMs: 3_600_000,
    sync: {
      status() {
        if (broken) throw new Error("the cache cannot be read");
        return standing as SyncStatus;
      },
    },
  });
  path = join(api.machine.home, "s");
  await listen(api.server, path);
});
afterEach(() => api.close());

async function connect(query = ""): Promise<Wire> {
  const wire = await openWire(path);
  wire.socket.write(`GET /v1/events${query} HTTP/1.1\r\nhost: x\r\n\r\n`);
  await wire.until(/retry: 3000\n\n/);
  return wire;
}

/** The events that came, as `type data`. */
function events(wire: Wire): string[] {
  const body = wire.received().replaceAll(/\r\n[0-9a-f]+\r\n/g, "");
  return [...body.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)].map(([, type, data]) => `${type} ${data}`);
}

const ID = "0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33";
const SYNCED = 'sync {"state":"synced","pending":0,"first_sync":null}';

it("is a stream of events, and begins with how sync stands", async () => {
  const wire = await connect();
  const head = await wire.until(/"first_sync":null\}/);
  expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(head).toMatch(/\r\ncontent-type: text\/event-stream; charset=utf-8\r\n/);
  expect(head).toMatch(/\r\ncache-control: no-store\r\n/);
  expect(events(wire)).toEqual([SYNCED]);
});

it("tells what is written, what arrives, conflicts and comparisons, to everyone who listens", async () => {
  const wires = [await connect(), await connect()];
  const { publish } = api.events;
  publish({ type: "written", ids: [ID], action: "recorded" });
  publish({ type: "written", ids: [ID], action: "changed" });
  publish({ type: "entries", ids: [ID, "b"] });
  publish({ type: "conflict", id: "c", record_id: ID, field: "note" });
  publish({ type: "identity", machine_id: "m", former_machine_id: null, reason: "a clone" });
  publish({ type: "remote", change: "restored" });
  publish({ type: "reconciled", outcome: "mended" });
  for (const wire of wires) {
    await wire.until(/mended/);
    expect(events(wire)).toEqual([
      SYNCED,
      `entry {"id":"${ID}","action":"recorded"}`,
      `entry {"id":"${ID}","action":"changed"}`,
      `entry {"id":"${ID}","action":"received"}`,
      'entry {"id":"b","action":"received"}',
      `conflict {"id":"c","record_id":"${ID}","field":"note"}`,
      'reconcile {"outcome":"mended"}',
    ]);
  }
});

it("tells only what was asked for", async () => {
  const wire = await connect("?types=conflict,reconcile");
  api.events.publish({ type: "written", ids: [ID], action: "recorded" });
  api.events.publish({ type: "reconciled", outcome: "equal" });
  await wire.until(/equal/);
  expect(events(wire)).toEqual(['reconcile {"outcome":"equal"}']);
});

it("tells of sync when it changes, whatever changed it, and a burst of changes by its end", async () => {
  const wire = await connect("?types=sync");
  await wire.until(/sync/);
  const change = (to: Partial<SyncStatus>): void => {
    standing = { ...standing, ...to };
    api.events.publish({ type: "sync" });
  };
  await time.advance(1000);
  api.events.publish({ type: "sync" });
  await time.advance(1000);
  change({ state: "syncing" });
  await wire.until(/syncing/);
  for (let pending = 1; pending <= 500; pending++) change({ pending });
  await time.advance(1000);
  await wire.until(/:500/);
  standing.pending = 501;
  api.events.publish({ type: "written", ids: [ID], action: "recorded" });
  await wire.until(/:501/);
  change({ state: "synced", pending: 0, first_sync: { progress: 0.5, from: 8, below: 4 } });
  await time.advance(100);
  await wire.until(/progress/);
  expect(events(wire)).toEqual([
    SYNCED,
    'sync {"state":"syncing","pending":0,"first_sync":null}',
    'sync {"state":"syncing","pending":500,"first_sync":null}',
    'sync {"state":"syncing","pending":501,"first_sync":null}',
    'sync {"state":"synced","pending":0,"first_sync":{"progress":0.5,"from":8,"below":4}}',
  ]);
});

it("says something every 15 seconds", async () => {
  const wire = await connect("?types=conflict");
  await time.advance(14_999);
  await time.advance(1);
  await wire.until(/\n:\n\n/);
  await time.advance(15_000);
  await wire.until(/(\n:\n\n[^:]*){2}/);
});

it("a client that does not read is cut off at a megabyte, and the others hear everything", async () => {
  const [slow, quick] = [await connect("?types=conflict"), await connect("?types=conflict")];
  slow.socket.pause();
  const field = "x".repeat(1000);
  let sent = 0;
  let gone = false;
  slow.socket.once("close", () => (gone = true));
  const open = async (): Promise<number> => {
    const count = await new Promise<number>((resolve) => {
      api.server.server.getConnections((_error, connections) => resolve(connections));
    });
    return count;
  };
  // What the kernel takes is not ours to say; it is far less than this.
  while ((await open()) === 2 && sent < 20_000) {
    api.events.publish({ type: "conflict", id: String(sent++), record_id: ID, field });
    await time.settle();
  }
  expect(sent * 1000).toBeGreaterThan(1024 * 1024);
  expect(sent).toBeLessThan(20_000);
  api.events.publish({ type: "conflict", id: "last", record_id: ID, field });
  await quick.until(/"last"/);
  slow.socket.resume();
  await slow.ended;
  expect(gone || slow.socket.destroyed).toBe(true);
});

it("who leaves is forgotten", async () => {
  const wire = await connect();
  wire.socket.destroy();
  await waitFor(
    () => new Promise<boolean>((resolve) => api.server.server.getConnections((_e, n) => resolve(n === 0))),
    { what: "the end of the connection" },
  );
  api.events.publish({ type: "reconciled", outcome: "equal" });
  await time.advance(60_000);
});

it("a server that closes ends its streams at once, also those that nobody reads", async () => {
  const [wire, slow] = [await connect(), await connect()];
  slow.socket.pause();
  for (let i = 0; i < 500; i++)
    api.events.publish({ type: "conflict", id: String(i), record_id: ID, field: "x".repeat(1000) });
  await wire.until(/"499"/);
  // The drain's own patience is an hour of a clock that stands still: nothing of it is waited for.
  await api.server.close();
  expect(await wire.ended).toMatch(/\r\n0\r\n\r\n$/);
});

it("where the state of sync cannot be read, the stream ends, and the client may try again", async () => {
  broken = true;
  const wire = await connect();
  expect(await wire.ended).not.toContain("event: sync");
});
