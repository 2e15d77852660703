import type { Status } from "../../../client-lib/protocol/status.ts";
import { alternate, type Row } from "../bench.ts";
import { type LoadJob, startLoad, type Watched } from "../load.ts";
import { atLeast, figure, latency, type Line } from "../report.ts";
import { startDaemon, startReference } from "../servers.ts";
import { median, quotients } from "../stats.ts";

const CLIENTS = 32;

/** As many writes as 32 clients can get through, against the same requests sent back by the barest server. */
export const throughput: Row = {
  id: "N3",
  title: `writes a second, ${CLIENTS} clients, durable and indexed`,
  async run(bench) {
    const ms = bench.quick ? 250 : 2000;
    const daemon = await startDaemon(bench);
    const echo = await startReference(bench, new URL("../reference/echo.js", import.meta.url));
    const load = await startLoad(bench);

    const warmup = bench.quick ? 200 : 1000;
    let acknowledged = 0;
    const post = (socket: string, path: string): LoadJob => ({
      socket,
      clients: CLIENTS,
      work: { kind: "record", path },
      expect: 201,
      warmup,
      until: { ms },
    });
    const { historyd, bare } = await alternate(bench, {
      async historyd() {
        const result = await load.runWatched(post(daemon.socket, "/v1/history"), daemon.pid);
        acknowledged += warmup + result.latenciesMs.length;
        return result;
      },
      bare: () => load.runWatched(post(echo.socket, "/echo"), echo.pid),
    });

    await assertAllThere(daemon.call<Status>("GET", "/v1/status", 200), acknowledged);
    const share = figure(
      "%",
      quotients(rates(historyd), rates(bare)).map((quotient) => quotient * 100),
    );
    return {
      lines: [
        throughputLine("historyd", historyd, warmup),
        throughputLine("bare Fastify echo", bare, warmup),
        { name: "historyd / echo", figures: { "writes/s": share } },
      ],
      targets: [
        atLeast("must", 35, "≥ 35 % of the echo", share),
        atLeast("stretch", 60, "≥ 60 % of the echo", share),
      ],
      notes: [
        `${ms} ms a round; ${acknowledged.toLocaleString("en-US")} entries were acknowledged, and all are there`,
        "CPU/write is the server's alone, and moves little when other programs want the cores too",
        bottleneckToText("historyd", historyd),
        bottleneckToText("the echo", bare),
      ],
    };
  },
};

function rates(rounds: readonly Watched[]): number[] {
  return rounds.map(({ latenciesMs, elapsedMs }) => (1000 * latenciesMs.length) / elapsedMs);
}

function throughputLine(name: string, rounds: readonly Watched[], warmup: number): Line {
  const latencies = rounds.map(({ latenciesMs }) => latenciesMs);
  const cpuUs = rounds.flatMap(({ latenciesMs, serverCpuMs }) =>
    serverCpuMs === null ? [] : [(1000 * serverCpuMs) / (warmup + latenciesMs.length)],
  );
  return {
    name,
    figures: {
      "writes/s": figure("/s", rates(rounds)),
      median: latency(latencies, 50),
      p95: latency(latencies, 95),
      ...(cpuUs.length > 0 ? { "CPU/write": figure("µs", cpuUs) } : {}),
    },
  };
}

/** Above this share of its core it is the load generator that was measured. */
const CLIENT_BOUND_PERCENT = 90;

function bottleneckToText(name: string, rounds: readonly Watched[]): string {
  const percent = (cpuMs: "serverCpuMs" | "clientCpuMs"): number | null => {
    const known = rounds.flatMap((round) => round[cpuMs] ?? []);
    const wall = rounds.map(({ wallMs }) => wallMs);
    return known.length < wall.length ? null : 100 * median(quotients(known, wall));
  };
  const [server, client] = [percent("serverCpuMs"), percent("clientCpuMs")];
  if (server === null || client === null) return `${name}: this system does not tell who was busy`;
  const verdict = client > CLIENT_BOUND_PERCENT ? " (THE LOAD GENERATOR WAS THE BOTTLENECK)" : "";
  return `${name}: the server used ${Math.round(server)} % of a core, the load generator ${Math.round(client)} %${verdict}`;
}

/** A rate of writes that are not kept would mean nothing. */
async function assertAllThere(status: Promise<Status>, acknowledged: number): Promise<void> {
  const { total } = (await status).cache;
  if (total !== acknowledged) {
    throw new Error(`${acknowledged} writes were acknowledged, but the cache holds ${total} entries`);
  }
}
