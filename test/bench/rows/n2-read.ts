import { uuidv7 } from "uuidv7";
import { MAX_BATCH_ENTRIES } from "../../../client-lib/protocol/limits.ts";
import { alternate, type Row } from "../bench.ts";
import { startLoad } from "../load.ts";
import { createPayloads } from "../payload.ts";
import { atMost, latencyLine, ratioLine } from "../report.ts";
import { type BenchDaemon, startDaemon, startReference } from "../servers.ts";

/** One client that reads, against the plain SELECT on the same file behind the barest route. */
export const read: Row = {
  id: "N2",
  title: "read by id, and the last 100",
  async run(bench) {
    const entries = bench.quick ? 1000 : 10_000;
    const reads = bench.quick ? { byId: 200, last: 50 } : { byId: 3000, last: 500 };
    const daemon = await startDaemon(bench);
    bench.step(`recording ${entries} entries`);
    const ids = await fill(daemon, entries);
    const plain = await startReference(bench, new URL("../reference/select.js", import.meta.url), [
      daemon.cacheFile,
    ]);
    const load = await startLoad(bench);

    const get = async (socket: string, paths: string[], requests: number): Promise<readonly number[]> => {
      const work = { kind: "read", paths } as const;
      const job = { socket, clients: 1, work, expect: 200, warmup: 50, until: { requests } };
      return (await load.run(job)).latenciesMs;
    };
    // A step that shares no factor with the number of entries comes to every one of them, in no order of the file.
    const scattered = ids.map((_, index) => ids[(index * 7919) % ids.length]!);
    const measured = await alternate(bench, {
      byId: () =>
        get(
          daemon.socket,
          scattered.map((id) => `/v1/history/${id}`),
          reads.byId,
        ),
      bareById: () =>
        get(
          plain.socket,
          scattered.map((id) => `/entries/${id}`),
          reads.byId,
        ),
      last: () => get(daemon.socket, ["/v1/history?limit=100"], reads.last),
      bareLast: () => get(plain.socket, ["/entries"], reads.last),
    });

    const byId = latencyLine("historyd, by id", measured.byId);
    const last = latencyLine("historyd, last 100", measured.last);
    const byIdRatio = ratioLine("by id: historyd / bare", measured.byId, measured.bareById);
    const lastRatio = ratioLine("last 100: historyd / bare", measured.last, measured.bareLast);
    return {
      lines: [
        byId,
        latencyLine("bare Fastify and SELECT, by id", measured.bareById),
        byIdRatio,
        last,
        latencyLine("bare Fastify and SELECT, last 100", measured.bareLast),
        lastRatio,
      ],
      targets: [
        atMost("must", 1, "by id: p95 < 1 ms", byId.figures["p95"]),
        atMost("must", 3, "last 100: p95 < 3 ms", last.figures["p95"]),
        atMost("stretch", 1.5, "by id: p95 ≤ 1.5 × bare", byIdRatio.figures["p95"]),
        atMost("stretch", 1.5, "last 100: p95 ≤ 1.5 × bare", lastRatio.figures["p95"]),
      ],
      notes: [
        `cache of ${entries.toLocaleString("en-US")} entries, which both sides read; ${reads.byId} reads by id and ${reads.last} of the last 100 a round`,
      ],
    };
  },
};

/** Records entries a minute apart up to now. @returns their ids */
async function fill(daemon: BenchDaemon, count: number): Promise<string[]> {
  const start = Date.now() - count * 60_000;
  const entries = createPayloads(count, 2).map((payload, index) => ({
    id: uuidv7(),
    ...payload,
    timestamp: start + index * 60_000,
  }));
  for (let from = 0; from < count; from += MAX_BATCH_ENTRIES) {
    await daemon.call("POST", "/v1/history/batch", 201, {
      entries: entries.slice(from, from + MAX_BATCH_ENTRIES),
    });
  }
  return entries.map(({ id }) => id);
}
