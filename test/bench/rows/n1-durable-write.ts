import path from "node:path";
import { alternate, type Row } from "../bench.ts";
import { startChild } from "../child.ts";
import { type LoadJob, startLoad } from "../load.ts";
import { atMost, latencyLine, ratioLine } from "../report.ts";
import { newFolder, startDaemon, startReference } from "../servers.ts";
import { sums } from "../stats.ts";

/** One client that records one entry after another, against the two things that cannot be saved: HTTP and the disk. */
export const durableWrite: Row = {
  id: "N1",
  title: "durable write, one client over the socket",
  async run(bench) {
    const requests = bench.quick ? 50 : 500;
    const daemon = await startDaemon(bench);
    const echo = await startReference(bench, new URL("../reference/echo.js", import.meta.url));
    const insert = await startChild(bench, new URL("../reference/insert.js", import.meta.url), [
      path.join(newFolder(bench), "insert.db"),
    ]);
    const load = await startLoad(bench);

    const post = async (socket: string, route: string): Promise<readonly number[]> => {
      const work: LoadJob["work"] = { kind: "record", path: route };
      const job = { socket, clients: 1, work, expect: 201, warmup: 20, until: { requests } };
      return (await load.run(job)).latenciesMs;
    };
    const { historyd, barePost, bareInsert } = await alternate(bench, {
      historyd: () => post(daemon.socket, "/v1/history"),
      barePost: () => post(echo.socket, "/echo"),
      bareInsert: () => insert.ask<readonly number[]>({ requests }),
    });

    const reference = barePost.map((samples, round) => sums(samples, bareInsert[round] ?? []));
    const product = latencyLine("historyd", historyd);
    const ratio = ratioLine("historyd / sum", historyd, reference);
    return {
      lines: [
        product,
        latencyLine("bare Fastify POST", barePost),
        latencyLine("bare SQLite insert, WAL and FULL", bareInsert),
        latencyLine("sum of the two", reference),
        ratio,
      ],
      targets: [
        atMost("must", 5, "p95 < 5 ms", product.figures["p95"]),
        atMost("must", 3, "p95 ≤ 3 × the sum", ratio.figures["p95"]),
        atMost("stretch", 1.5, "p95 ≤ 1.5 × the sum", ratio.figures["p95"]),
      ],
      notes: [
        `${requests} requests a round; the sum adds the samples one by one, in the order they were taken`,
      ],
    };
  },
};
