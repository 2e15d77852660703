import { mkdirSync, rmSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { uuidv7 } from "uuidv7";
import { createLibsqlExecutor } from "../../daemon/remote/libsql.ts";
import { trafficBetween, watchTraffic } from "../scale/traffic.ts";
import { createMachine, type Machine } from "../support/machine.ts";
import { answerQuestions } from "./child.ts";

/**
 * A machine in a process of its own: the daemon's cache, engine and libSQL adapter, without its socket, so that it can
 * be told what to do and watched from within.
 */
export type MachineQuestion =
  /** A machine that was never there before is filled. `newest`: a word that only the newest entry has. */
  | { readonly ask: "first-sync"; readonly url: string; readonly count: number; readonly newest: string }
  /** The machine of the last first sync compares itself with the server. */
  | { readonly ask: "compare"; readonly count: number; readonly content: boolean };

/** What a piece of work cost, and how long it kept everything else waiting. */
export interface Cost {
  readonly ms: number;
  /** Processor time of the machine's process, all its threads together. */
  readonly cpuMs: number;
  readonly requests: number;
  readonly bytesDown: number;
  readonly bytesUp: number;
  /** The longest time for which nothing else could be done, and the time that 99 % of turns stayed below. */
  readonly blockedMs: { readonly max: number; readonly p99: number };
}

export interface MachineAnswers {
  "first-sync": Cost & { readonly newestMs: number };
  compare: Cost;
}

/** How often somebody searches who waits for an entry. */
const SEARCH_EVERY_MS = 20;
const TURN_MS = 1;

const [home] = process.argv.slice(2);
if (home === undefined) throw new Error("expected the path of a folder");

const traffic = watchTraffic();
let machine: Machine | null = null;

await answerQuestions((question) => answer(question as MachineQuestion));

function answer(question: MachineQuestion): Promise<MachineAnswers[MachineQuestion["ask"]]> {
  return question.ask === "compare" ? compare(question) : firstSync(question);
}

async function firstSync({
  url,
  count,
  newest,
}: MachineQuestion & { ask: "first-sync" }): Promise<MachineAnswers["first-sync"]> {
  machine?.close();
  rmSync(home!, { recursive: true, force: true });
  mkdirSync(home!);
  const remote = createLibsqlExecutor({ url, token: () => null, timeoutMs: 15_000 });
  const created = createMachine({ id: uuidv7(), home: home!, remote });
  machine = created;
  const started = performance.now();
  let newestMs: number | null = null;
  const work = async (): Promise<void> => {
    const whole = created.sync();
    while (newestMs === null) {
      if (await isFound(created, newest)) newestMs = performance.now() - started;
      else await Promise.race([delay(SEARCH_EVERY_MS), whole]);
    }
    await whole;
  };
  const cost = await measure(work);
  const { total } = created.store.read.history.counts();
  if (total !== count) throw new Error(`expected ${count} entries, got ${total}`);
  return { ...cost, newestMs: newestMs! };
}

async function isFound({ id, store }: Machine, word: string): Promise<boolean> {
  const filter = { mode: "hybrid", viewer: { machineId: id, user: null } } as const;
  return (await store.search.search(word, filter, 10, Date.now())).length > 0;
}

async function compare({ count, content }: MachineQuestion & { ask: "compare" }): Promise<Cost> {
  const of = machine;
  if (of === null) throw new Error("expected a first sync before a comparison");
  return measure(async () => {
    const { outcome, compared } = await of.reconcile({ reason: "asked", content, repair: false });
    if (outcome !== "equal" || compared !== count)
      throw new Error(`expected ${count} records to be equal, got ${compared} and '${outcome}'`);
  });
}

async function measure(work: () => Promise<void>): Promise<Cost> {
  const turns = monitorEventLoopDelay({ resolution: TURN_MS });
  const before = traffic();
  turns.enable();
  const cpu = process.cpuUsage();
  const started = performance.now();
  await work();
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  turns.disable();
  const { requests, bytesDown, bytesUp } = trafficBetween(before, traffic());
  const blockedMs = { max: turns.max / 1e6, p99: turns.percentile(99) / 1e6 };
  return { ms, cpuMs: (user + system) / 1000, requests, bytesDown, bytesUp, blockedMs };
}
