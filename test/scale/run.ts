import { createTeardown } from "../../daemon/system/teardown.ts";
import { tempDir } from "../support/temp.ts";
import type { ScaleOptions } from "./arguments.ts";
import { compareRows, type Difference, expectedRows } from "./compare.ts";
import { type CacheCheck, startFleet } from "./fleet.ts";
import type { Harvest, PhaseName } from "./questions.ts";
import { type ServerOutage, type ServerState, startServerUnderTest } from "./server.ts";
import type { Traffic } from "./traffic.ts";

/** One phase as it was lived through: what was counted at its two ends. */
export interface PhaseRecord {
  name: PhaseName;
  /** Wall clock, ms. */
  from: number;
  to: number;
  before: { traffic: Traffic; server: ServerState };
  after: { traffic: Traffic; server: ServerState };
}

/** Everything that a run has shown, before it is turned into figures. */
export interface RunRecord {
  phases: PhaseRecord[];
  outages: ServerOutage[];
  harvests: Harvest[];
  /** Entries and edits that were acknowledged. */
  entries: number;
  edits: number;
  server: Difference;
  caches: CacheCheck;
  /** Phases at whose end the fleet had not come to rest in time. */
  restless: PhaseName[];
  serverPeakMb: number | null;
}

/** A fleet that has not come to rest after so many intervals, and the longest backoff, will not. */
const REST_INTERVALS = 6;
const LONGEST_BACKOFF_MS = 60_000;

/** The longest wait of a receiver is an interval and its jitter; of a sender, the pause in which it waits for company. */
const TRAVEL_INTERVALS = 1.25;
const SEND_PAUSE_MS = 500;

/**
 * Lives through all phases, and stops and removes what it started and made, however it ends.
 * @param step told what is going on
 */
export async function runScale(options: ScaleOptions, step: (text: string) => void): Promise<RunRecord> {
  const teardown = createTeardown();
  const { intervalMs } = options;
  try {
    const folder = tempDir("hd-scale");
    teardown.add("the caches", folder.remove);
    const server = await startServerUnderTest();
    teardown.add("sqld", server.close);
    step(`opening ${options.machines} caches`);
    const bench = { quick: false, rounds: 1, daemonNodeArgs: [], step, onEnd: teardown.add };
    const fleet = await startFleet(bench, options, { url: server.url, home: folder.path });

    const phases: PhaseRecord[] = [];
    const outages: ServerOutage[] = [];
    const restless: PhaseName[] = [];

    const phase = async (name: PhaseName, load: boolean, work: () => Promise<unknown>): Promise<void> => {
      step(name);
      const before = { traffic: await fleet.traffic(), server: server.state() };
      const from = Date.now();
      await fleet.enter(name, load);
      await work();
      const after = { traffic: await fleet.traffic(), server: server.state() };
      phases.push({ name, from, to: Date.now(), before, after });
    };
    const rest = (name: PhaseName) => async (): Promise<void> => {
      const patience = REST_INTERVALS * intervalMs + LONGEST_BACKOFF_MS;
      const rested = await fleet.settle(patience, ({ pending }) => {
        step(`${name}: ${pending} records still to send`);
      });
      if (!rested) restless.push(name);
    };
    const interrupt = async (how: ServerOutage["how"]): Promise<void> => {
      step(`restart: the server is away (${how})`);
      outages.push(await server.interrupt(how, options.downMs));
      step(`restart: the server is back (${how})`);
      await sleep(intervalMs);
    };

    await phase("start", false, rest("start"));
    await phase("steady", true, async () => {
      // What is recorded just before the server goes away may still be under way then: it counts as if after it.
      const travelMs = TRAVEL_INTERVALS * intervalMs + SEND_PAUSE_MS;
      await sleep(options.steady * intervalMs - travelMs);
      await fleet.enter("restart", true);
      await sleep(travelMs);
    });
    await phase("restart", true, async () => {
      await interrupt("kill");
      await interrupt("stop");
    });
    await phase("drain", false, rest("drain"));
    await phase("idle", false, () => sleep(options.idle * intervalMs));

    step("comparing");
    await fleet.stop();
    const harvests = await fleet.harvest();
    const entries = harvests.flatMap((harvest) => harvest.entries);
    const edits = harvests.flatMap((harvest) => harvest.edits);
    const expected = expectedRows(entries, edits);
    return {
      phases,
      outages,
      harvests,
      entries: entries.length,
      edits: edits.length,
      server: compareRows(expected, await server.rows()),
      caches: await fleet.check(expected),
      restless,
      serverPeakMb: server.peakMb(),
    };
  } finally {
    step("stopping");
    await teardown.run((name, error) => {
      process.stderr.write(`scale: ${name} did not stop cleanly: ${String(error)}\n`);
    });
    step("");
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
