import { defineConfig } from "vitest/config";
import { RequireAllReporter } from "./test/support/require-all-reporter.ts";

// Reporters given on the command line replace these, and with them the check for skipped tests; .ci/run therefore
// asks for its JSON report with a variable.
const jsonReport = process.env["JSON_REPORT"];

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["dist/**", "node_modules/**"],
    setupFiles: ["test/support/random-seed.ts"],
    globalSetup: ["test/support/build.ts"],
    // Native modules, signals and process.exit are safest in processes of their own.
    pool: "forks",
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: [
      "default",
      ...(process.env["REQUIRE_ALL_TESTS"] === "1" ? [new RequireAllReporter()] : []),
      ...(jsonReport === undefined ? [] : [["json", { outputFile: jsonReport }] as const]),
    ],
  },
});
