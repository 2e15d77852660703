import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { createMachine, type Machine } from "../support/machine.ts";
import { createSqliteServer, type RequestFault, type SqliteServer } from "../support/sqlite-executor.ts";
import { tempDir } from "../support/temp.ts";
import { fieldClock } from "../../daemon/core/merge.ts";
import { createModel, type Model } from "./model.ts";
import type { Random } from "./random.ts";

/** The process died: what it had not committed is gone. */
class Crash extends Error {}

/** Machines, a server, a clock and chance. Everything that happens in it follows from the seed. */
export interface World {
  readonly server: SqliteServer;
  readonly machines: readonly Machine[];
  readonly model: Model;
  /** What happened, one line an action. */
  readonly story: readonly string[];
  /** Whether requests and answers get lost in this world. */
  readonly losesAnswers: boolean;
  /** Lets one thing happen. */
  step(): Promise<void>;
  /** From now on nothing goes wrong. */
  heal(): void;
  /** One cycle of a machine; an expected failure is part of the story. @returns whether it succeeded */
  sync(machine: number): Promise<boolean>;
  close(): void;
}

export interface WorldOptions {
  random: Random;
  machines: number;
}

const FIELDS = ["note", "command"] as const;

/** So few that machines meet in them. */
const MAX_ENTRIES = 4;

/** A file system in memory, where there is one: the simulation is about order, not about disks. */
function home(): { path: string; remove: () => void } {
  return existsSync("/dev/shm") ? tempDir("sim", "/dev/shm") : tempDir("sim");
}

export function createWorld({ random, machines: count }: WorldOptions): World {
  const server = createSqliteServer();
  const model = createModel();
  const story: string[] = [];
  const folder = home();
  const skews: number[] = Array.from({ length: count }, () => 0);
  const machines: Machine[] = [];
  // Without losses more can be promised: see `conflicts` in invariants.
  const losesAnswers = random.chance(0.6);
  let time = 1_700_000_000_000;
  let values = 0;
  let faulty = true;
  let depth = 0;

  for (let index = 0; index < count; index++) machines.push(open(index));

  function open(index: number): Machine {
    const path = join(folder.path, `m${index}`);
    mkdirSync(path, { recursive: true });
    return createMachine({
      id: `m${index}`,
      home: path,
      now: () => time + skews[index]!,
      batchSize: 3,
      pageSize: 3,
      remote: server.connect(() => atRequest(index)),
    });
  }

  /** What happens on the way to the server. */
  async function atRequest(index: number): Promise<RequestFault> {
    if (!faulty) return null;
    const happening = random.weighted([
      [60, "pass"],
      [losesAnswers ? 7 : 0, "drop-request"],
      [losesAnswers ? 8 : 0, "drop-answer"],
      [30, "meanwhile"],
      [losesAnswers ? 3 : 0, "crash"],
    ] as const);
    if (happening === "crash") throw new Crash();
    if (happening === "meanwhile" && depth < 2) await meanwhile(index);
    return happening === "drop-request" || happening === "drop-answer" ? happening : null;
  }

  /** Between one machine's requests, others live on: this is where they come in between. */
  async function meanwhile(busy: number): Promise<void> {
    depth += 1;
    for (let actions = 1 + random.below(3); actions > 0; actions--) await act(random.below(count), busy);
    depth -= 1;
  }

  /** @param busy a machine in the middle of a cycle: it can record and edit, but not begin another or restart */
  async function act(index: number, busy: number | null = null): Promise<void> {
    time += random.below(2000);
    const machine = machines[index]!;
    const known = model.ids.filter((id) => machine.get(id) !== null);
    const action = random.weighted([
      [known.length < MAX_ENTRIES ? 10 : 0, "record"],
      [40, "edit"],
      [5, "delete"],
      [4, "restore"],
      [35, "sync"],
      [3, "restart"],
      [3, "skew"],
    ] as const);
    switch (action) {
      case "record":
        return record(machine);
      case "edit":
        if (known.length > 0) await edit(machine, random.pick(known));
        return;
      case "delete":
        if (known.length > 0) await remove(machine, random.pick(known));
        return;
      case "restore":
        if (known.length > 0) await restore(machine, random.pick(known));
        return;
      case "sync":
        if (index !== busy && depth < 2) await sync(index);
        return;
      case "restart":
        if (index !== busy && depth === 0) restart(index);
        return;
      case "skew":
        skews[index] = random.pick([0, -5000, 5000, -600_000, 600_000]);
        story.push(`${machine.id}: clock off by ${skews[index]} ms`);
    }
  }

  const clockOf = (machine: Machine, id: string, field: string): string =>
    fieldClock(machine.store.read.records.get("history", id)!.version, field);
  const newValue = (machine: Machine): string => `v${++values} by ${machine.id}`;

  async function record(machine: Machine): Promise<void> {
    const value = newValue(machine);
    const { id } = await machine.add(value);
    model.created(id, { command: value }, clockOf(machine, id, "command"));
    story.push(`${machine.id}: records ${id} '${value}'`);
  }

  async function edit(machine: Machine, id: string): Promise<void> {
    const before = machine.get(id)!;
    if (before.deleted_at !== null) return;
    const field = random.pick(FIELDS);
    const value = newValue(machine);
    await machine.recorder.edit(id, { [field]: value });
    model.edited(id, field, { value, over: before[field], clock: clockOf(machine, id, field) });
    story.push(`${machine.id}: edits ${id}.${field} '${before[field]}' to '${value}'`);
  }

  async function remove(machine: Machine, id: string): Promise<void> {
    await machine.recorder.remove(id);
    model.deleted(id);
    story.push(`${machine.id}: deletes ${id}`);
  }

  async function restore(machine: Machine, id: string): Promise<void> {
    if (machine.get(id)?.deleted_at === null) return;
    await machine.recorder.restore(id);
    model.restored(id);
    story.push(`${machine.id}: restores ${id}`);
  }

  function restart(index: number): void {
    story.push(`${machines[index]!.id}: restarts`);
    machines[index]!.store.close();
    machines[index] = open(index);
  }

  async function sync(index: number): Promise<boolean> {
    const machine = machines[index]!;
    try {
      const { uploaded, downloaded, conflicts } = await machine.sync();
      story.push(`${machine.id}: cycle, up ${uploaded}, down ${downloaded}, conflicts ${conflicts}`);
      return true;
    } catch (error) {
      story.push(
        `${machine.id}: cycle failed, ${error instanceof Crash ? "crashed" : (error as Error).message}`,
      );
      if (error instanceof Crash) restart(index);
      else if ((error as Error).name !== "RemoteError") throw error;
      return false;
    }
  }

  return {
    server,
    machines,
    model,
    story,
    losesAnswers,
    step: () => act(random.below(count)),
    heal() {
      faulty = false;
      skews.fill(0);
      // Past every clock that was ahead.
      time += 3_600_000;
    },
    sync,
    close() {
      for (const machine of machines) machine.store.close();
      folder.remove();
    },
  };
}
