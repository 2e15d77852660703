import path from "node:path";
import { uuidv7 } from "uuidv7";
import type { SyncAnswer } from "../../../client-lib/protocol/sync.ts";
import { startSqld } from "../../support/sqld.ts";
import { alternate, type Bench, type Row } from "../bench.ts";
import { type Child, startChild } from "../child.ts";
import { createPayloads } from "../payload.ts";
import type { InsertQuestion } from "../reference/remote-insert.ts";
import { atMost, latencyLine, ratioLine, type Target } from "../report.ts";
import { type BenchDaemon, newFolder, startDaemon } from "../servers.ts";

const ENTRIES = 100;
const REFERENCE = new URL("../reference/remote-insert.js", import.meta.url);

/** One sync of 100 entries with a real server, against the ways in which others bring 100 rows there. */
export const sync: Row = {
  id: "N6",
  title: `sync of ${ENTRIES} entries to sqld on loopback`,
  async run(bench) {
    const repeats = bench.quick ? { fast: 2, slow: 1 } : { fast: 20, slow: 3 };
    // It synchronises only when it is asked to, so that no cycle of its own falls into what is measured.
    const daemon = await startDaemon(bench, {
      TURSO_DATABASE_URL: await startRemote(bench),
      HISTORYD_SYNC_OFFLINE_MODE: "always",
    });
    // The first contact asks which database this is; what is measured is every cycle after it.
    await daemon.call("POST", "/v1/sync", 200);
    const bare = await startChild(bench, REFERENCE, [await startRemote(bench)]);
    const replica = await startChild(bench, REFERENCE, [
      await startRemote(bench),
      path.join(newFolder(bench), "replica.db"),
    ]);

    const requests = new Set<number>();
    const measured = await alternate(bench, {
      historyd: () =>
        repeat(repeats.fast, async () => {
          const cycle = await syncOnce(daemon);
          requests.add(cycle.requests);
          return cycle.ms;
        }),
      batch: () => repeat(repeats.fast, () => insert(bare, "batch")),
      replicaBatch: () => repeat(repeats.fast, () => insert(replica, "batch")),
      singles: () => repeat(repeats.slow, () => insert(bare, "single")),
      replicaSingles: () => repeat(repeats.slow, () => insert(replica, "single")),
    });

    const product = latencyLine("historyd, POST /v1/sync", measured.historyd);
    return {
      lines: [
        product,
        latencyLine("bare client: one batch, one insert of 100 rows", measured.batch),
        latencyLine("embedded replica: the same, then sync()", measured.replicaBatch),
        latencyLine("bare client: 100 inserts, as the assistant does", measured.singles),
        latencyLine("embedded replica: 100 inserts, then sync()", measured.replicaSingles),
        ratioLine("historyd / one batch", measured.historyd, measured.batch),
        ratioLine("historyd / 100 inserts", measured.historyd, measured.singles),
      ],
      targets: [
        atMost("must", 500, "p95 < 500 ms", product.figures["p95"]),
        oneRoundTrip([...requests]),
        atMost("stretch", 15, "p95 < 15 ms", product.figures["p95"]),
      ],
      notes: [
        `${repeats.fast} syncs and batches, ${repeats.slow} times 100 inserts a round; three servers, one for each kind of client`,
        "an embedded replica with offline writes (`offline: true`) is not here: sqld does not offer what it pulls from",
      ],
    };
  },
};

async function startRemote(bench: Bench): Promise<string> {
  const server = await startSqld();
  bench.onEnd("sqld", server.close);
  return server.url;
}

async function repeat(times: number, once: () => Promise<number>): Promise<number[]> {
  const samples: number[] = [];
  for (let done = 0; done < times; done++) samples.push(await once());
  return samples;
}

function insert(child: Child, way: InsertQuestion["way"]): Promise<number> {
  const question: InsertQuestion = { way, entries: ENTRIES };
  return child.ask<number>(question);
}

/** Records the entries, and measures only the cycle that sends them. */
async function syncOnce(daemon: BenchDaemon): Promise<{ ms: number; requests: number }> {
  const entries = createPayloads(ENTRIES, 1).map((payload) => ({ id: uuidv7(), ...payload }));
  await daemon.call("POST", "/v1/history/batch", 201, { entries });
  const started = performance.now();
  const answer = await daemon.call<SyncAnswer>("POST", "/v1/sync", 200);
  const ms = performance.now() - started;
  if (answer.uploaded !== ENTRIES || answer.pending !== 0) {
    throw new Error(`expected ${ENTRIES} entries to be sent and none left, got ${JSON.stringify(answer)}`);
  }
  return { ms, requests: answer.requests };
}

function oneRoundTrip(requests: readonly number[]): Target {
  const most = Math.max(...requests);
  return {
    level: "must",
    text: "one round trip",
    actual: `${most} ${most === 1 ? "request" : "requests"}`,
    met: most === 1,
  };
}
