import type { Machine } from "../support/machine.ts";
import { violations } from "./invariants.ts";
import { createRandom } from "./random.ts";
import { createWorld } from "./world.ts";

export interface Run {
  seed: number;
  steps: number;
  machines: number;
}

export interface Outcome extends Run {
  violations: string[];
  story: readonly string[];
}

/** Cycles that each machine gets, once faults have stopped, to agree with everyone. */
const CYCLES_TO_HEAL = 8;
const HALF = CYCLES_TO_HEAL / 2;

/** More than machines with nothing to say wait before they report themselves. */
const HEARTBEAT_MS = 11 * 60_000;
const DAY_MS = 24 * 60 * 60_000;

/** Lets a world go through its faults, heals it, and says what does not hold then. */
export async function simulate(run: Run): Promise<Outcome> {
  const world = createWorld({ random: createRandom(run.seed), machines: run.machines });
  try {
    for (let step = 0; step < run.steps; step++) await world.step();
    world.heal();
    const failed: string[] = [];
    for (let cycle = 1; cycle <= CYCLES_TO_HEAL; cycle++) {
      // Minutes at first: what clocks that were ahead have written is for the machines to set right. Then days.
      world.pass(cycle <= HALF ? HEARTBEAT_MS : DAY_MS);
      for (const [index, machine] of world.machines.entries()) {
        const isHealed = await world.sync(index);
        if (!isHealed && cycle % HALF === 0) failed.push(`${machine.id} cannot synchronise`);
      }
    }
    for (const machine of world.machines) failed.push(...(await verified(machine)));
    return { ...run, violations: [...failed, ...violations(world)], story: world.story };
  } catch (error) {
    // Nothing that happens in a world may throw what is no answer to it.
    return { ...run, violations: [(error as Error).stack ?? String(error)], story: world.story };
  } finally {
    world.close();
  }
}

/** What the product itself says when it compares both sides, contents included. */
async function verified(machine: Machine): Promise<string[]> {
  const { outcome, local, remote } = await machine.reconcile({ reason: "end", content: true, repair: false });
  if (outcome === "equal") return [];
  return [`${machine.id} and the remote ${outcome}: ${JSON.stringify(local)}, ${JSON.stringify(remote)}`];
}

/** A failure as text: what does not hold, how it came about, and how to see it again. */
export function describeFailure({ seed, steps, machines, violations: broken, story }: Outcome): string {
  const lines = [
    ...broken.map((problem) => `  ✗ ${problem}`),
    "what happened:",
    ...story.map((line) => `  ${line}`),
  ];
  return `seed ${seed}: again with: npm run simulate -- --seed ${seed} --steps ${steps} --machines ${machines}\n${lines.join("\n")}`;
}
