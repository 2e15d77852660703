import { describe, expect, test } from "vitest";
import type { Reconciliation } from "../../../client-lib/protocol/reconcile.ts";
import type { FirstSync, SyncAnswer } from "../../../client-lib/protocol/sync.ts";
import { answerJson, fakeDaemon, type FakeDaemon, refuse } from "../fake-daemon.ts";
import { type Ran, runHere } from "./historyctl.ts";

const NOW_MS = 1_700_000_000_000;

const run = (daemon: FakeDaemon, args: string[], watched = false): Promise<Ran> =>
  runHere([...args, "--socket", daemon.socket], { now: () => NOW_MS, watched });

describe("sync --wait", () => {
  const at = (progress: number): FirstSync => ({ progress, from: 1000, below: 1000 * (1 - progress) });

  /** A daemon whose first sync takes three slices. */
  function filling(): Promise<FakeDaemon> {
    const steps = [at(0.1), at(0.5), at(0.999), null];
    return fakeDaemon(({ method }, to) => {
      if (method === "GET") return answerJson(to, 200, { first_sync: steps[0] });
      steps.shift();
      const first_sync = steps[0] ?? null;
      const answer: SyncAnswer = {
        uploaded: 0,
        downloaded: 400,
        conflicts: 0,
        requests: 2,
        duration_ms: 100,
        state: first_sync === null ? "synced" : "syncing",
        pending: 0,
        first_sync,
      };
      return answerJson(to, 200, answer);
    });
  }

  test("goes on until everything is here, and tells what it did altogether", async () => {
    const daemon = await filling();
    expect(await run(daemon, ["sync", "--wait"])).toEqual({
      code: 0,
      out: "sent 0, received 1,200 (6 requests, 300 ms)\n",
      err: "",
    });
    expect(daemon.received).toHaveLength(3);
  });

  test("shows how far it is, on a terminal, and takes the line away", async () => {
    const daemon = await filling();
    const { code, out, err } = await run(daemon, ["sync", "--wait", "--json"], true);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ downloaded: 1200, state: "synced", first_sync: null });
    expect(err.split("\r").slice(1)).toEqual([
      "first sync [###...........................]  10 %",
      "first sync [###############...............]  50 %",
      "first sync [#############################.]  99 %",
      "\u001B[K",
    ]);
  });

  test("without it, one slice, and how to go on", async () => {
    const daemon = await filling();
    const { out } = await run(daemon, ["sync"]);
    expect(out).toBe(
      "sent 0, received 400 (2 requests, 100 ms); the first sync is 50 % complete (historyctl sync --wait)\n",
    );
  });

  test("a slice that fails ends it, and the line goes", async () => {
    let calls = 0;
    const daemon = await fakeDaemon(({ method }, to) =>
      method === "GET" || ++calls === 1
        ? answerJson(to, 200, { first_sync: at(0.5) })
        : refuse(to, 503, "HD_SYNC_FAILED"),
    );
    const { code, err } = await run(daemon, ["sync", "--wait"], true);
    expect(code).toBe(1);
    expect(err.endsWith("50 %\r\u001B[Khistoryctl: because of HD_SYNC_FAILED\n")).toBe(true);
  });
});

const EQUAL: Reconciliation = {
  started_at: NOW_MS - 7_200_000,
  reason: "asked",
  content: true,
  repair: false,
  outcome: "equal",
  compared: 12_345,
  local: { count: 12_345, digest: "00ff00ff" },
  remote: { count: 12_345, digest: "00ff00ff" },
  missing_here: 0,
  missing_there: 0,
  differing: 0,
  mended: 0,
  requests: 3,
  duration_ms: 1234,
  error: null,
};
const DIFFERS: Reconciliation = {
  ...EQUAL,
  outcome: "differs",
  remote: { count: 12_347, digest: "11" },
  missing_here: 2,
  differing: 1,
};

describe("sync verify", () => {
  const answering = (result: Reconciliation): Promise<FakeDaemon> =>
    fakeDaemon((_, to) => answerJson(to, 200, result));

  test("is 0 where both sides hold the same, and shows both; it changes nothing", async () => {
    const daemon = await answering(EQUAL);
    expect(await run(daemon, ["sync", "verify"])).toEqual({
      code: 0,
      out: [
        "outcome   equal: both sides hold the same",
        "here      12,345 records, digest 00ff00ff",
        "remote    12,345 records, digest 00ff00ff",
        "compared  revisions and contents of 12,345 records (3 requests, 1.2 s)",
        "",
      ].join("\n"),
      err: "",
    });
    expect(daemon.received).toEqual([
      { method: "POST", path: "/v1/sync/reconcile", body: '{"content":true,"repair":false}' },
    ]);
  });

  test("is 1 where they differ, and says what and what to do", async () => {
    const { code, out, err } = await run(await answering(DIFFERS), ["sync", "verify"]);
    const words =
      "the two sides differ (2 missing here, 1 not the same); 'historyctl sync reconcile' mends what can be mended";
    expect({ code, err }).toEqual({ code: 1, err: `historyctl: ${words}\n` });
    expect(out).toContain(`outcome   differs: ${words}\n`);
    expect(out).toContain("remote    12,347 records, digest 11\n");
  });

  test("is 1 where it did not come to its end", async () => {
    const failed: Reconciliation = { ...EQUAL, outcome: "failed", error: "it broke\u001B[2J" };
    expect(await run(await answering(failed), ["sync", "verify"])).toMatchObject({
      code: 1,
      err: "historyctl: the comparison did not come to its end: it broke\\x1b[2J\n",
    });
  });

  test("as JSON it is the API's answer, with the same exit code", async () => {
    const { code, out } = await run(await answering(DIFFERS), ["sync", "verify", "--json"]);
    expect({ code, answer: JSON.parse(out) }).toEqual({ code: 1, answer: DIFFERS });
  });
});

describe("sync reconcile", () => {
  test("mends, and is 0 where nothing is left that differs", async () => {
    const daemon = await fakeDaemon((_, to) =>
      answerJson(to, 200, { ...DIFFERS, repair: true, content: false, outcome: "mended", mended: 3 }),
    );
    const { code, out } = await run(daemon, ["sync", "reconcile"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^outcome {3}mended: .*\(2 missing here, 1 not the same, 3 mended\)\n/);
    await run(daemon, ["sync", "reconcile", "--content"]);
    expect(daemon.received.map(({ body }) => JSON.parse(body) as object)).toEqual([
      { content: false, repair: true },
      { content: true, repair: true },
    ]);
  });

  test("is 1 where something could not be mended", async () => {
    const daemon = await fakeDaemon((_, to) => answerJson(to, 200, { ...DIFFERS, repair: true, mended: 1 }));
    expect(await run(daemon, ["sync", "reconcile"])).toMatchObject({
      code: 1,
      err: expect.stringContaining("some of it could not be mended") as string,
    });
  });

  test("--log has the earlier ones, or says that there are none", async () => {
    const failed = { ...EQUAL, outcome: "failed", error: "the remote cannot be reached" };
    const daily = { ...EQUAL, reason: "daily" };
    const daemon = await fakeDaemon((_, to) =>
      answerJson(to, 200, { reconciliations: [failed, DIFFERS, daily] }),
    );
    const { code, out } = await run(daemon, ["sync", "reconcile", "--log"]);
    expect(code).toBe(0);
    expect(out.replaceAll(/ +/g, " ")).toBe(
      [
        "WHEN WHY OUTCOME HERE REMOTE FOUND",
        "2h asked failed 12345 12345 the remote cannot be reached",
        "2h asked differs 12345 12347 2 missing here, 1 not the same",
        "2h daily equal 12345 12345",
        "",
      ].join("\n"),
    );
    const none = await fakeDaemon((_, to) => answerJson(to, 200, { reconciliations: [] }));
    expect((await run(none, ["sync", "reconcile", "--log"])).out).toBe("no comparison was made yet\n");
  });
});

test.for(["verify", "reconcile"])("the help of sync %s has examples, and fits", async (command) => {
  const { code, out } = await runHere(["sync", command, "--help"], { width: 80 });
  expect(code).toBe(0);
  expect(out.match(/ historyctl sync /g)?.length).toBeGreaterThanOrEqual(2);
  for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
});
