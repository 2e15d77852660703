import type { Reporter, TestModule } from "vitest/node";

/**
 * Fails a run that skipped something. A fresh checkout may skip what needs zsh, root or systemd; where all of that
 * is installed a skip means that something was not proved, and nobody would notice.
 */
export class RequireAllReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) =>
      [...module.children.allTests("skipped")].map((test) => `${module.relativeModuleId} > ${test.fullName}`),
    );
    if (skipped.length === 0) return;
    process.exitCode = 1;
    process.stderr.write(
      `REQUIRE_ALL_TESTS is set, so nothing may be skipped, but ${skipped.length} of the tests were:\n` +
        skipped.map((name) => `  ${name}\n`).join(""),
    );
  }
}
