import { onTestFinished } from "vitest";
import { createMachine, type Machine, type MachineOptions } from "../support/machine.ts";
import type { RequestFault, SqliteServer } from "../support/sqlite-executor.ts";

/**
 * A machine for this test.
 * @param faults take effect one request after another, so that a test says "the second one is lost"
 */
export function machine(
  server: SqliteServer,
  id: string,
  options: Partial<MachineOptions> = {},
  faults: RequestFault[] = [],
): Machine {
  const created = createMachine({ id, remote: server.connect(() => faults.shift() ?? null), ...options });
  onTestFinished(created.close);
  return created;
}

/** What two machines must agree on: everything but what is each one's own view. */
export function content(of: Machine): unknown {
  return of.entries().map(({ sync: _sync, ...entry }) => entry);
}

/** Runs something once, at the next write that comes after it was armed. */
export function onceArmed(): {
  arm: (work: () => Promise<unknown>) => void;
  intercept: (mode: "read" | "write") => Promise<null>;
} {
  let armed: (() => Promise<unknown>) | null = null;
  return {
    arm(work) {
      armed = work;
    },
    async intercept(mode) {
      const work = mode === "write" ? armed : null;
      if (work !== null) armed = null;
      await work?.();
      return null;
    },
  };
}
