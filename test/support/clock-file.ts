import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { preload } from "./mortal.ts";

/** The wall clock of a daemon, which the test sets. */
export interface ClockFile {
  /** Variables with which a process goes by this clock. */
  readonly env: Readonly<Record<string, string>>;
  /** @param aheadMs how far it is ahead of the real time from now on; negative: behind */
  set(aheadMs: number): void;
}

/** @param folder where its file is made */
export function createClockFile(folder: string, aheadMs = 0): ClockFile {
  const file = join(folder, "clock");
  const set = (ms: number): void => {
    // In one step: half a number would be another time.
    writeFileSync(`${file}.new`, String(ms));
    renameSync(`${file}.new`, file);
  };
  set(aheadMs);
  return { env: { NODE_OPTIONS: preload("clock-preload"), CLOCK_FILE: file }, set };
}
