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

/** Runs something once, when this machine has built its push and before the server sees it. */
export function atFirstWrite(work: () => Promise<unknown>): (mode: "read" | "write") => Promise<null> {
  let done = false;
  return async (mode) => {
    if (mode === "write" && !done) {
      done = true;
      await work();
    }
    return null;
  };
}
