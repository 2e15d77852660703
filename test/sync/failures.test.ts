import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { SyncState } from "../../client-lib/protocol/sync.ts";
import { readToken } from "../../daemon/remote/token.ts";
import type { Fault } from "../support/fault-proxy.ts";
import { tempDir } from "../support/temp.ts";
import { link, type Linked } from "./linked.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** The paces that are promised: the caps of transient faults, and of those that a person must mend. */
const TRANSIENT = { floorMs: 15_000, capMs: MINUTE_MS };
const SLOW = { floorMs: 15_000, capMs: 5 * MINUTE_MS };

/** Full jitter may draw the first few as short as it likes; from the fourth on a wait is half an interval at least. */
function expectPace(waits: number[], { floorMs, capMs }: typeof SLOW, firstMs: number): void {
  expect(waits.length).toBeGreaterThan(0);
  for (const [index, ms] of waits.entries()) {
    expect(ms).toBeGreaterThanOrEqual(index >= 3 ? floorMs : 100);
    expect(ms).toBeLessThanOrEqual(Math.max(index >= 3 ? floorMs : 0, Math.min(capMs, firstMs * 2 ** index)));
  }
}

/** Synchronised, and nothing said of it any more. */
async function synced(linked: Linked): Promise<Linked> {
  await linked.time.pass(2000);
  expect(linked.service.status().state).toBe("synced");
  linked.news();
  linked.waits();
  return linked;
}

const canned = (status: number, body = "", headers = {}): Fault => ({ respond: { status, body, headers } });
const PORTAL = "<!doctype html><title>Welcome to the airport</title><form>your room number</form>";
const OFFLINE = /^warn sync is offline: .*; nothing is lost, trying again$/;
const BUSY = /^warn sync is waiting: .*HTTP \d+.*; nothing is lost, trying again$/;
const REFUSED = /^error sync stopped: the remote refuses the token/;

interface Case {
  fault: Fault;
  state: SyncState;
  code: string;
  line: RegExp;
  pace: typeof SLOW;
  firstMs: number;
  /** Requests without an answer end on the real clock. */
  timeoutMs?: number;
}
const transient = (fault: Fault, code: string, timeoutMs?: number): Case => ({
  fault,
  state: "offline",
  code,
  line: OFFLINE,
  pace: TRANSIENT,
  firstMs: 1000,
  ...(timeoutMs === undefined ? {} : { timeoutMs }),
});

test.each<[string, Case]>([
  ["a portal's page with 200", transient(canned(200, PORTAL), "HD_REMOTE_NOT_LIBSQL")],
  [
    "a portal that redirects for ever",
    transient(canned(302, PORTAL, { location: "/login" }), "HD_REMOTE_UNREACHABLE"),
  ],
  [
    "a portal's page with 403 or 511",
    { ...transient(canned(511, PORTAL), "HD_REMOTE_BUSY"), state: "waiting", line: BUSY },
  ],
  ["a page of somebody else's with 404", transient(canned(404, "not here"), "HD_REMOTE_NOT_LIBSQL")],
  ["connections that are accepted and never answered", transient("halfOpen", "HD_REMOTE_TIMEOUT", 150)],
  ["answers that stall", transient("stall", "HD_REMOTE_TIMEOUT", 150)],
  ["connections that are reset", transient("reset", "HD_REMOTE_UNREACHABLE")],
  [
    "connections that are reset in the middle of a request",
    transient({ resetAfterRequestBytes: 60 }, "HD_REMOTE_UNREACHABLE"),
  ],
  [
    "connections that are reset in the middle of an answer",
    transient({ resetAfterResponseBytes: 40 }, "HD_REMOTE_UNREACHABLE"),
  ],
  [
    "too many requests",
    { ...transient(canned(429, "slow down"), "HD_REMOTE_BUSY"), state: "waiting", line: BUSY },
  ],
  [
    "a gateway without its server",
    { ...transient(canned(502), "HD_REMOTE_BUSY"), state: "waiting", line: BUSY },
  ],
  [
    "a token that is refused",
    {
      ...transient(canned(401, "no"), "HD_REMOTE_UNAUTHORIZED"),
      state: "error",
      line: REFUSED,
      pace: SLOW,
      firstMs: 30_000,
    },
  ],
])("%s: its state, one line, its pace, and back by itself with everything", async (_, expected) => {
  const { fault, state, code, line, pace, firstMs, timeoutMs } = expected;
  const linked = await synced(await link(timeoutMs === undefined ? {} : { timeoutMs }));
  const { time, service, proxy } = linked;
  await proxy.set(fault);
  const ids = [await linked.add("one"), await linked.add("two")];
  await time.pass(10 * MINUTE_MS);
  expect(service.status()).toMatchObject({ state, pending: 2, last_error: { code } });
  expect(linked.news()).toEqual([expect.stringMatching(line)]);
  const waits = linked.waits();
  expect(service.status().consecutive_failures).toBe(waits.length);
  expectPace(waits, pace, firstMs);

  await proxy.set("pass");
  await time.pass(pace.capMs);
  expect(service.status()).toMatchObject({ state: "synced", pending: 0, last_error: null });
  expect(linked.news()).toEqual(["info synced with the remote"]);
  expect((await linked.arrived()).toSorted()).toEqual(ids.toSorted());
});

test("a server that is away for an hour: few attempts, one line, back within a minute, the queue drained", async () => {
  const linked = await synced(await link());
  const { time, service, sqld, news, waits } = linked;
  await sqld.stop();
  const ids: string[] = [];
  for (let minute = 0; minute < 60; minute++) {
    ids.push(await linked.add(`minute ${minute}`));
    await time.pass(MINUTE_MS);
    if (minute > 0) expect(service.status().state).toBe("offline");
  }
  expect(news()).toEqual([expect.stringMatching(OFFLINE)]);
  // Half an interval to a minute between two, but for the first three: writes do not hurry them.
  const attempts = waits();
  expect(attempts.length).toBeGreaterThanOrEqual(60);
  expect(attempts.length).toBeLessThanOrEqual(243);
  expect(service.status()).toMatchObject({ pending: 60, consecutive_failures: attempts.length });
  expectPace(attempts, TRANSIENT, 1000);

  await sqld.restart();
  await time.pass(MINUTE_MS);
  expect(service.status()).toMatchObject({ state: "synced", pending: 0 });
  expect(news()).toEqual(["info synced with the remote"]);
  expect((await linked.arrived()).toSorted()).toEqual(ids.toSorted());
});

test("a network that changes, or somebody who asks, does not wait for the end of a long pause", async () => {
  const { time, service, proxy } = await synced(await link());
  await proxy.set("refuse");
  await time.pass(10 * MINUTE_MS);
  await proxy.set("pass");
  service.networkChanged();
  await time.asleep();
  expect(service.status().state).toBe("synced");
  await proxy.set("refuse");
  await expect(service.syncNow()).rejects.toMatchObject({ code: "HD_REMOTE_UNREACHABLE" });
  await proxy.set("pass");
  await expect(service.syncNow()).resolves.toMatchObject({ serverRev: 0 });
});

test("a token that expires: error, once in the log; the file with the next one is taken up by itself", async () => {
  const folder = tempDir("hd");
  onTestFinished(folder.remove);
  const file = join(folder.path, "token");
  const token = (): string | null => readToken({ kind: "file", file });
  const linked = await link({
    sqld: { jwt: true },
    token(sqld) {
      if (!written) writeFileSync(file, sqld.expiredToken(), { mode: 0o600 });
      written = true;
      return token();
    },
  });
  const { time, service, sqld } = linked;
  const id = await linked.add("waits for a token");
  await time.pass(HOUR_MS);
  expect(service.status()).toMatchObject({
    state: "error",
    pending: 1,
    last_error: { code: "HD_REMOTE_UNAUTHORIZED" },
  });
  expect(linked.news()).toEqual([expect.stringMatching(REFUSED)]);
  expectPace(linked.waits(), SLOW, 30_000);

  // Half written: another error, and no reason to give up.
  writeFileSync(file, "");
  await time.pass(SLOW.capMs);
  expect(service.status()).toMatchObject({ state: "error", last_error: { code: "HD_TOKEN" } });
  expect(linked.news()).toHaveLength(1);
  writeFileSync(file, `${sqld.token()}\n`);
  await time.pass(SLOW.capMs);
  expect(service.status()).toMatchObject({ state: "synced", pending: 0 });
  expect(linked.news()).toEqual(["info synced with the remote"]);
  expect(await linked.arrived()).toEqual([id]);
});
let written = false;

test("a server killed in the middle of a push, and started again: sent once more, nothing lost, nothing doubled", async () => {
  const linked = await synced(await link());
  const { time, service, sqld, proxy } = linked;
  // It takes the request and does not answer: dead before or after its commit, who can tell.
  sqld.pause();
  const ids = [await linked.add("in doubt"), await linked.add("too")];
  const push = proxy.nextRequest((body) => body.includes("INSERT INTO records"));
  const passed = time.pass(1000);
  await push;
  await sqld.kill();
  await passed;
  expect(service.status()).toMatchObject({ state: "offline", pending: 2 });
  expect(linked.news()).toEqual([expect.stringMatching(OFFLINE)]);
  await sqld.restart();
  await time.pass(MINUTE_MS);
  expect(service.status()).toMatchObject({ state: "synced", pending: 0 });
  expect(linked.news()).toEqual(["info synced with the remote"]);
  expect((await linked.arrived()).toSorted()).toEqual(ids.toSorted());
});

test("one fault after another: each has its line, and the pace begins anew only after a success", async () => {
  const linked = await synced(await link());
  const { time, service, proxy, news } = linked;
  await proxy.set("refuse");
  await time.pass(5 * MINUTE_MS);
  await proxy.set(canned(429));
  await time.pass(5 * MINUTE_MS);
  await proxy.set(canned(401));
  await time.pass(10 * MINUTE_MS);
  await proxy.set("refuse");
  await time.pass(10 * MINUTE_MS);
  expect(news().map((line) => line.split(":")[0])).toEqual([
    "warn sync is offline",
    "warn sync is waiting",
    "error sync stopped",
    "warn sync is offline",
  ]);
  expect(Math.min(...linked.waits().slice(3))).toBeGreaterThanOrEqual(15_000);
  await proxy.set("pass");
  await time.pass(MINUTE_MS);
  expect(service.status()).toMatchObject({ state: "synced", consecutive_failures: 0 });
  expect(news()).toEqual(["info synced with the remote"]);
});
