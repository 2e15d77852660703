import { existsSync } from "node:fs";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { openWire, parseAnswer, type Wire } from "../http/wire.ts";
import { startDaemon, type TestDaemon } from "../support/daemon.ts";

let daemon: TestDaemon;
beforeEach(async () => {
  daemon = await startDaemon({ env: { HISTORYD_LOG_LEVEL: "debug" } });
  onTestFinished(daemon.close);
});

const ENTRIES = Array.from({ length: 1000 }, (_, index) => ({ command: `batch ${index}` }));
const BODY = JSON.stringify({ entries: ENTRIES });
const HEAD = `POST /v1/history/batch HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\nexpect: 100-continue\r\n\r\n`;

/** A large batch of which the daemon has the headers and not yet the rest: "100 Continue" says that it has begun. */
async function beginBatch(): Promise<Wire> {
  const wire = await openWire(daemon.socket);
  wire.socket.write(HEAD);
  await wire.until(/100 Continue/);
  wire.socket.write(BODY.slice(0, 1000));
  return wire;
}
const stopping = () => daemon.process.waitForLine(/finishing what is under way/);

describe("the first signal", () => {
  it.each(["SIGTERM", "SIGINT"] as const)("%s answers what is under way, and ends with 0", async (signal) => {
    const wire = await beginBatch();
    daemon.process.signal(signal);
    await stopping();
    wire.socket.write(BODY.slice(1000));
    const { status, body } = parseAnswer(await wire.ended);
    expect(status).toBe(201);
    expect(body.created).toBe(1000);
    expect(await daemon.process.exited).toEqual({ code: 0, signal: null });
    expect(existsSync(daemon.socket)).toBe(false);

    const next = await startDaemon({ home: daemon.home });
    onTestFinished(next.close);
    expect((await next.request("GET", "/v1/stats")).body.cache.total).toBe(1000);
  });

  it("ends although clients are connected that ask for nothing", async () => {
    const silent = await openWire(daemon.socket);
    const kept = await openWire(daemon.socket);
    kept.socket.write("GET /v1/health HTTP/1.1\r\nhost: x\r\n\r\n");
    await kept.until(/\}$/);
    expect(await daemon.stop()).toEqual({ code: 0, signal: null });
    await silent.ended;
    await kept.ended;
  });

  it("leaves the write-ahead log empty: the cache is one file again", async () => {
    await daemon.request("POST", "/v1/history", { command: "ls" });
    await daemon.stop();
    expect(existsSync(`${daemon.home}/cache.db`)).toBe(true);
    expect(existsSync(`${daemon.home}/cache.db-wal`)).toBe(false);
  });

  it("loses nothing that was acknowledged to writers who go on", async () => {
    const acknowledged: string[] = [];
    const writers = Array.from({ length: 10 }, async (_, writer) => {
      for (let index = 0; ; index++) {
        try {
          const { status, body } = await daemon.request("POST", "/v1/history", {
            command: `${writer} ${index}`,
          });
          if (status === 201) acknowledged.push(body.id);
        } catch {
          return;
        }
      }
    });
    await daemon.process.waitFor(() => acknowledged.length > 100);
    expect(await daemon.stop()).toEqual({ code: 0, signal: null });
    await Promise.all(writers);
    const next = await startDaemon({ home: daemon.home });
    onTestFinished(next.close);
    expect((await next.request("GET", "/v1/stats")).body.cache.total).toBeGreaterThanOrEqual(
      acknowledged.length,
    );
    for (const id of acknowledged.slice(-20)) {
      expect(await next.request("GET", `/v1/history/${id}`)).toMatchObject({ status: 200 });
    }
  });
});

describe("the second signal", () => {
  it.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)("%s ends at once with %d, and nothing of a half request is stored", async (signal, code) => {
    await daemon.request("POST", "/v1/history", { command: "kept" });
    const wire = await beginBatch();
    daemon.process.signal("SIGTERM");
    await stopping();
    daemon.process.signal(signal);
    expect(await daemon.process.exited).toEqual({ code, signal: null });
    await wire.ended;
    const next = await startDaemon({ home: daemon.home });
    onTestFinished(next.close);
    expect((await next.request("GET", "/v1/stats")).body.cache.total).toBe(1);
  });
});
