import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createMachine, type Machine } from "../support/machine.ts";
import { createSqliteServer, type RequestFault, type SqliteServer } from "../support/sqlite-executor.ts";
import { tempDir } from "../support/temp.ts";
import { createActions } from "./actions.ts";
import { createModel, type Model } from "./model.ts";
import type { Random } from "./random.ts";

/** The process died: what it had not committed is gone. */
class Crash extends Error {}

/** What can happen in a world. Fewer things at once let more be promised, so each world has some of them. */
export interface Traits {
  /** Requests, answers and processes get lost; requests arrive twice; tokens are refused. */
  readonly faults: boolean;
  /** Clocks are wrong, by a day at most. */
  readonly wrongClocks: boolean;
  /** Entries of all scopes, machines of two users, one that wants global entries only. */
  readonly scopes: boolean;
  readonly purges: boolean;
  /** Rows of the remote are edited with SQL. */
  readonly handEdits: boolean;
  /** Months pass: deleted records are collected, and machines come back after a long absence. */
  readonly months: boolean;
  /** One thing that should never happen. */
  readonly disaster: "none" | "clone" | "home-restored" | "remote-restored" | "remote-replaced";
}

/** Machines, a server, a clock and chance. Everything that happens in it follows from the seed. */
export interface World {
  readonly server: SqliteServer;
  readonly machines: readonly Machine[];
  readonly model: Model;
  readonly traits: Traits;
  /** What happened, one line an action. */
  readonly story: readonly string[];
  /** The user of a machine, and whether it wants global entries only. */
  settings(machine: number): { user: string | null; globalOnly: boolean };
  /** Lets one thing happen. */
  step(): Promise<void>;
  /** From now on nothing goes wrong. */
  heal(): void;
  /** Lets time pass, ms. */
  pass(ms: number): void;
  /** One cycle of a machine; an expected failure is part of the story. @returns whether it succeeded */
  sync(machine: number): Promise<boolean>;
  close(): void;
}

export interface WorldOptions {
  random: Random;
  machines: number;
}

/** So few that machines meet in them. */
const MAX_ENTRIES = 4;

const DAY_MS = 86_400_000;

/** A file system in memory, where there is one: the simulation is about order, not about disks. */
function home(): { path: string; remove: () => void } {
  return existsSync("/dev/shm") ? tempDir("sim", "/dev/shm") : tempDir("sim");
}

function drawTraits(random: Random): Traits {
  const months = random.chance(0.25);
  return {
    faults: random.chance(0.6),
    wrongClocks: random.chance(0.3),
    scopes: random.chance(0.25),
    purges: random.chance(0.3),
    handEdits: random.chance(0.2),
    months,
    disaster: random.weighted([
      [50, "none"],
      [12, "home-restored"],
      // Where nobody knows any more that something was deleted, a copy that has lost its revision comes back: see the
      // limits in docs/PROTOCOL.md.
      [months ? 0 : 15, "clone"],
      [months ? 0 : 13, "remote-restored"],
      [months ? 0 : 10, "remote-replaced"],
    ] as const),
  };
}

export function createWorld({ random, machines: count }: WorldOptions): World {
  let time = 1_700_000_000_000;
  const server = createSqliteServer(() => time);
  const model = createModel();
  const story: string[] = [];
  const folder = home();
  const traits = drawTraits(random);
  const skews: number[] = [];
  const machines: Machine[] = [];
  /** Machines that are away for months do not synchronise. */
  const away = new Set<number>();
  let disasters = 0;
  let backup: { steps: number; remote: Buffer } | null = null;
  let faulty = true;
  let depth = 0;
  let steps = 0;

  const pathOf = (index: number): string => join(folder.path, `m${index}`);
  /** Which of the first machines one is, or was copied from. */
  const origins: number[] = [];
  const settings = (index: number): { user: string | null; globalOnly: boolean } => ({
    user: traits.scopes ? (["ana", "rui", "ana"][origins[index]! % 3] ?? null) : null,
    // A clone that is found out no longer owns what it recorded before, and would not want it.
    globalOnly: traits.scopes && origins[index] === 1 && traits.disaster !== "clone",
  });

  function open(index: number): Machine {
    skews[index] ??= 0;
    origins[index] ??= index;
    mkdirSync(pathOf(index), { recursive: true });
    const { user, globalOnly } = settings(index);
    return createMachine({
      id: `m${index}`,
      home: pathOf(index),
      user,
      now: () => time + skews[index]!,
      batchSize: 3,
      pageSize: 3,
      remote: server.connect(() => atRequest(index)),
      ...(globalOnly ? { scopes: ["global"] } : {}),
    });
  }

  for (let index = 0; index < count; index++) machines.push(open(index));
  story.push(`traits: ${JSON.stringify(traits)}`);
  const actions = createActions({ random, model, story, server, machines, traits, settings });

  /** What happens on the way to the server. */
  async function atRequest(index: number): Promise<RequestFault> {
    if (!faulty) return null;
    const happening = random.weighted([
      [60, "pass"],
      [traits.faults ? 7 : 0, "drop-request"],
      [traits.faults ? 8 : 0, "drop-answer"],
      [traits.faults ? 3 : 0, "repeat"],
      [traits.faults ? 2 : 0, "unauthorized"],
      [30, "meanwhile"],
      [traits.faults ? 3 : 0, "crash"],
    ] as const);
    if (happening === "crash") throw new Crash();
    if (happening === "meanwhile" && depth < 2) await meanwhile(index);
    return happening === "pass" || happening === "meanwhile" ? null : happening;
  }

  /** Between one machine's requests, others live on: this is where they come in between. */
  async function meanwhile(busy: number): Promise<void> {
    depth += 1;
    for (let left = 1 + random.below(3); left > 0; left--) await act(random.below(machines.length), busy);
    depth -= 1;
  }

  /** @param busy a machine in the middle of a cycle: it can record and edit, but not begin another or restart */
  async function act(index: number, busy: number | null = null): Promise<void> {
    time += random.below(2000);
    const machine = machines[index]!;
    const known = model.ids.filter((id) => machine.get(id) !== null);
    const alone = busy === null && depth === 0;
    const action = random.weighted([
      [known.length < MAX_ENTRIES ? 10 : 0, "record"],
      [40, "edit"],
      [5, "delete"],
      [4, "restore"],
      [traits.purges ? 2 : 0, "purge"],
      [traits.handEdits ? 4 : 0, "hand-edit"],
      [traits.scopes ? 3 : 0, "rescope"],
      [35, "sync"],
      [2, "reconcile"],
      [3, "restart"],
      [traits.wrongClocks ? 4 : 0, "skew"],
      [traits.months && alone ? 2 : 0, "months"],
      [traits.disaster !== "none" && alone && disasters < 2 ? 4 : 0, "disaster"],
    ] as const);
    switch (action) {
      case "record":
        return actions.record(index);
      case "hand-edit":
        return actions.handEdit();
      case "edit":
      case "delete":
      case "restore":
      case "purge":
      case "rescope":
        if (known.length > 0) await actions[action](index, random.pick(known));
        return;
      case "sync":
      case "reconcile":
        if (index !== busy && depth < 2 && !away.has(index)) await sync(index, action);
        return;
      case "restart":
        if (index !== busy && depth === 0) restart(index);
        return;
      case "months":
        return months(index);
      case "disaster":
        return disaster(index);
      case "skew":
        skews[index] = random.pick([0, -5000, 5000, -600_000, 600_000, -DAY_MS, DAY_MS]);
        story.push(`m${index}: clock off by ${skews[index]} ms`);
    }
  }

  function restart(index: number, between: () => void = () => undefined): void {
    story.push(`m${index}: restarts`);
    machines[index]!.store.close();
    between();
    machines[index] = open(index);
  }

  /** A machine goes away or comes back, and time passes. */
  function months(index: number): void {
    if (!away.delete(index)) away.add(index);
    time += random.pick([5, 40, 100]) * DAY_MS;
    story.push(`m${index} is ${away.has(index) ? "away" : "back"}; it is ${new Date(time).toISOString()}`);
  }

  async function disaster(index: number): Promise<void> {
    switch (traits.disaster) {
      case "none":
        return;
      case "clone":
        disasters += 1;
        return clone(index);
      case "remote-replaced":
        disasters += 1;
        story.push("the remote is replaced by an empty one");
        model.remoteLost();
        return server.restore(null);
      case "remote-restored":
        return restoreRemote();
      case "home-restored":
        return restoreHome(index);
    }
  }

  function clone(index: number): void {
    const copy = machines.length;
    restart(index, () => {
      cpSync(pathOf(index), pathOf(copy), { recursive: true });
    });
    origins[copy] = origins[index]!;
    machines.push(open(copy));
    story.push(`m${copy} is a clone of m${index}`);
  }

  /** Once a backup is made, later it is restored. */
  function restoreRemote(): void {
    if (backup === null) {
      backup = { steps, remote: server.backUp() };
      story.push("the remote is backed up");
    } else if (steps > backup.steps + 5) {
      server.restore(backup.remote);
      model.remoteLost();
      backup = null;
      disasters += 1;
      story.push("the remote is restored from its backup");
    }
  }

  function restoreHome(index: number): void {
    const copy = `${pathOf(index)}.backup`;
    if (!existsSync(copy)) {
      restart(index, () => {
        cpSync(pathOf(index), copy, { recursive: true });
      });
      story.push(`m${index}: its home is backed up`);
      return;
    }
    const { read } = machines[index]!.store;
    const unsent = read.outbox.first(1000).map(({ kind, id }) => ({
      id,
      created: read.records.get(kind, id)?.rev == null,
    }));
    model.diskLost(index, unsent);
    restart(index, () => {
      rmSync(pathOf(index), { recursive: true });
      cpSync(copy, pathOf(index), { recursive: true });
      rmSync(copy, { recursive: true });
    });
    disasters += 1;
    story.push(`m${index}: its home is restored`);
  }

  async function sync(index: number, what: "sync" | "reconcile" = "sync"): Promise<boolean> {
    const machine = machines[index]!;
    try {
      if (what === "reconcile") {
        const { outcome } = await machine.reconcile({ reason: "asked", content: true, repair: true });
        story.push(`m${index}: reconciles, ${outcome}`);
        return true;
      }
      const { uploaded, downloaded, conflicts } = await machine.sync();
      story.push(`m${index}: cycle, up ${uploaded}, down ${downloaded}, conflicts ${conflicts}`);
      return true;
    } catch (error) {
      const text = error instanceof Crash ? "crashed" : (error as Error).message;
      story.push(`m${index}: ${what} failed, ${text}`);
      if (error instanceof Crash) restart(index);
      else if ((error as Error).name !== "RemoteError") throw error;
      return false;
    }
  }

  return {
    server,
    machines,
    model,
    traits,
    story,
    settings,
    async step() {
      steps += 1;
      await act(random.below(machines.length));
    },
    heal() {
      faulty = false;
      skews.fill(0);
      away.clear();
    },
    pass(ms) {
      time += ms;
    },
    sync,
    close() {
      for (const machine of machines) machine.store.close();
      folder.remove();
    },
  };
}
