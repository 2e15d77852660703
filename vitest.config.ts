import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { RequireAllReporter } from "./test/support/require-all-reporter.ts";

// Reporters given on the command line replace these, and with them the check for skipped tests; .ci/run therefore
// asks for its JSON report with a variable.
const jsonReport = process.env["JSON_REPORT"];

/** Hundreds of daemons that are killed and damaged: too long for every change, and so a command of their own. */
const FAULT_TESTS = ["test/kill/**", "test/machine-faults/**"];

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["dist/**", "node_modules/**", ...(process.env["FAULTS"] === "1" ? [] : FAULT_TESTS)],
    setupFiles: ["test/support/random-seed.ts"],
    globalSetup: ["test/support/build.ts"],
    // Native modules, signals and process.exit are safest in processes of their own.
    pool: "forks",
    // By itself Vitest leaves a core to others, and of two that is half.
    maxWorkers: availableParallelism(),
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: [
      "default",
      ...(process.env["REQUIRE_ALL_TESTS"] === "1" ? [new RequireAllReporter()] : []),
      ...(jsonReport === undefined ? [] : [["json", { outputFile: jsonReport }] as const]),
    ],
  },
});
