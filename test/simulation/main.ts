import { parseArgs } from "node:util";
import { checkMutations } from "./mutations.ts";
import { describeFailure, simulate } from "./simulate.ts";

/**
 * `npm run simulate`: runs worlds by seed, longer than the tests do.
 *
 *   --seed N       this seed only, and tells its story when it fails
 *   --seeds N      this many, from 1 (200)
 *   --steps M      things that happen in each (80)
 *   --machines K   (3)
 *   --first-failure  stop at the first seed that fails
 *   --mutations    breaks the engine on purpose, one promise after another, and sees the simulation fail
 */
const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string", default: "200" },
    steps: { type: "string", default: "80" },
    machines: { type: "string", default: "3" },
    mutations: { type: "boolean", default: false },
    "first-failure": { type: "boolean", default: false },
  },
});

function whole(name: "seed" | "seeds" | "steps" | "machines"): number {
  const value = values[name] ?? "";
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value);
  process.stderr.write(`simulate: --${name}: expected a whole number from 1, got '${value}'\n`);
  process.exit(2);
}

process.exitCode = values.mutations ? await checkMutations() : await runSeeds();

async function runSeeds(): Promise<number> {
  const [first, count] = values.seed === undefined ? [1, whole("seeds")] : [whole("seed"), 1];
  const size = { steps: whole("steps"), machines: whole("machines") };
  let failed = 0;
  for (let seed = first; seed < first + count; seed++) {
    const outcome = await simulate({ seed, ...size });
    if (outcome.violations.length > 0) {
      failed += 1;
      console.log(describeFailure(outcome));
      if (values["first-failure"]) break;
    }
    if (process.stderr.isTTY)
      process.stderr.write(`\r${seed - first + 1} of ${count} seeds, ${failed} failed`);
  }
  console.log(
    `${count - failed} seeds passed, ${failed} failed (${size.steps} steps, ${size.machines} machines)`,
  );
  return failed > 0 ? 1 : 0;
}
