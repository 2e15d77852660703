import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";

/**
 * Compiles once before the first test, so that tests which start processes start what the sources say now.
 * A type error is shown and does not stop the tests: the compiler has written its output all the same, and whether
 * the types are right is what `npm run types` decides. Throws when nothing could be compiled.
 */
export function setup(): void {
  const project = resolve(import.meta.dirname, "../..");
  const tsc = join(project, "node_modules/typescript/bin/tsc");
  const { status, signal, error, stdout, stderr } = spawnSync(
    process.execPath,
    [tsc, "-p", "tsconfig.json", "--pretty", "false"],
    { cwd: project, encoding: "utf8" },
  );
  if (status === 0) return;
  const output = `${stdout}${stderr}`.trim();
  if (status !== OUTPUTS_GENERATED_WITH_ERRORS) {
    throw new Error(`expected tsc to write dist/, it ended with ${signal ?? status}: ${output}`, {
      cause: error,
    });
  }
  process.stderr.write(`${output}\n`);
}

/** TypeScript's exit status for "there are errors, the output was written". */
const OUTPUTS_GENERATED_WITH_ERRORS = 2;
