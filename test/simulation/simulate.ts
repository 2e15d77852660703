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
const CYCLES_TO_HEAL = 6;

/** Lets a world go through its faults, heals it, and says what does not hold then. */
export async function simulate(run: Run): Promise<Outcome> {
  const world = createWorld({ random: createRandom(run.seed), machines: run.machines });
  try {
    for (let step = 0; step < run.steps; step++) await world.step();
    world.heal();
    const failed: string[] = [];
    for (let cycle = 1; cycle <= CYCLES_TO_HEAL; cycle++) {
      for (const [index, machine] of world.machines.entries()) {
        if (!(await world.sync(index)) && cycle === CYCLES_TO_HEAL)
          failed.push(`${machine.id} cannot synchronise`);
      }
    }
    return { ...run, violations: [...failed, ...violations(world)], story: world.story };
  } finally {
    world.close();
  }
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
