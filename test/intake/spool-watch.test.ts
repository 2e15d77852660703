import { rmSync, statSync } from "node:fs";
import { afterEach, beforeEach, test } from "vitest";
import { watchSpool } from "../../daemon/intake/spool-watch.ts";
import { waitFor } from "../support/processes.ts";
import { createSpoolFolder, type SpoolFolder } from "./spool-folder.ts";

let spool: SpoolFolder;
/** Ends the sleep that the watch is in: 30 s are over. */
let pass = (): void => undefined;
let stop: () => void;
beforeEach(() => {
  spool = createSpoolFolder();
  const timers = {
    sleep: (_: number, signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        pass = resolve;
        signal.addEventListener("abort", () => {
          resolve();
        });
      }),
  };
  const silent = (): void => undefined;
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  stop = watchSpool(spool.folder, spool.restart(), log, timers);
});
afterEach(() => {
  stop();
  spool.close();
});

const taken = (...commands: string[]) =>
  waitFor(() => spool.commands().join() === commands.join(), { what: commands.join() });

test("what is appended is heard of", async () => {
  spool.append("a.jsonl", { command: "one" });
  await taken("one");
  spool.append("a.jsonl", { command: "two" });
  await taken("one", "two");
});

const bornAt = () => statSync(spool.folder, { throwIfNoEntry: false })?.birthtimeMs;

async function remove(): Promise<void> {
  const before = bornAt();
  rmSync(spool.folder, { recursive: true });
  const madeAgain = (): boolean => {
    pass();
    const now = bornAt();
    return now !== undefined && now !== before;
  };
  await waitFor(madeAgain, { what: "the new folder" });
}

test("a folder that was removed is made again, and what comes into the new one is heard of", async () => {
  await remove();
  spool.append("a.jsonl", { command: "one" });
  await taken("one");
  await remove();
  spool.append("b.jsonl", { command: "two" });
  await taken("one", "two");
});
