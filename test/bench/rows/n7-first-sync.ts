import path from "node:path";
import { startSqld } from "../../support/sqld.ts";
import { alternate, type Row } from "../bench.ts";
import { type Child, startChild } from "../child.ts";
import { fillRemote } from "../remote-fill.ts";
import { atMost, figure, latencyLine, type Line, ratioLine } from "../report.ts";
import { newFolder } from "../servers.ts";
import type { Cost, MachineAnswers, MachineQuestion } from "../sync-machine.ts";

const ENTRIES = 200_000;
const QUICK_ENTRIES = 5000;

/** A word that the payloads do not have. */
const NEWEST = "xyzzynewest";

/** A new machine's first sync, against bare clients that download the same rows; and what comparing them costs then. */
export const firstSync: Row = {
  id: "N7",
  title: "first sync of a new machine, and comparing all of it",
  async run(bench) {
    const count = bench.quick ? QUICK_ENTRIES : ENTRIES;
    const server = await startSqld();
    bench.onEnd("sqld", server.close);
    await fillRemote(server.url, { count, newest: NEWEST, step: bench.step });
    const folder = newFolder(bench);
    const machine = await startChild(bench, new URL("../sync-machine.js", import.meta.url), [
      path.join(folder, "home"),
    ]);
    const bare = await startChild(bench, new URL("../reference/download.js", import.meta.url), [
      server.url,
      path.join(folder, "download.db"),
    ]);

    const measured = await alternate(bench, {
      historyd: () => ask(machine, { ask: "first-sync", url: server.url, count, newest: NEWEST }),
      revisions: () => ask(machine, { ask: "compare", count, content: false }),
      contents: () => ask(machine, { ask: "compare", count, content: true }),
      bare: () => bare.ask<number>({}),
    });

    const whole = measured.historyd.map(({ ms }) => [ms]);
    const newest = latencyLine(
      "historyd, until the newest is found",
      measured.historyd.map(({ newestMs }) => [newestMs]),
    );
    const all = latencyLine("historyd, until all are there", whole);
    const reference = measured.bare.map((ms) => [ms]);
    return {
      lines: [
        onlyMedian(newest),
        { ...all, figures: costs(measured.historyd) },
        onlyMedian(latencyLine("bare client, one table without indexes", reference)),
        onlyMedian(ratioLine("historyd, all / bare", whole, reference)),
        { name: "comparing, revisions", figures: costs(measured.revisions) },
        { name: "comparing, with contents", figures: costs(measured.contents) },
      ],
      targets: [
        atMost("must", 2000, "newest < 2 s", newest.figures["median"]),
        atMost("must", 60_000, "all < 60 s", all.figures["median"]),
        atMost("stretch", 12_000, "all < 12 s", all.figures["median"]),
      ],
      notes: [
        `${count.toLocaleString("en-US")} entries of 20 machines on one sqld; a new cache each round, filled newest first and searched until the newest is found`,
        "blocked: the longest time for which the machine's process could do nothing else, and what 99 % of its turns stayed below",
        "bytes are those inside TCP, answers compressed; the bare client asks for as many records at a time",
      ],
    };
  },
};

function ask<Q extends MachineQuestion>(machine: Child, question: Q): Promise<MachineAnswers[Q["ask"]]> {
  return machine.ask<MachineAnswers[Q["ask"]]>(question);
}

function onlyMedian({ name, figures: { median } }: Line): Line {
  return { name, figures: median === undefined ? {} : { median } };
}

function costs(rounds: readonly Cost[]): Line["figures"] {
  const one = (unit: "ms" | "MB" | "requests", of: (cost: Cost) => number) => figure(unit, rounds.map(of));
  return {
    median: one("ms", ({ ms }) => ms),
    CPU: one("ms", ({ cpuMs }) => cpuMs),
    requests: one("requests", ({ requests }) => requests),
    down: one("MB", ({ bytesDown }) => bytesDown / 1e6),
    up: one("MB", ({ bytesUp }) => bytesUp / 1e6),
    "blocked, longest": one("ms", ({ blockedMs }) => blockedMs.max),
    "blocked, p99": one("ms", ({ blockedMs }) => blockedMs.p99),
  };
}
