import { statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Writer } from "../../daemon/store/writer.ts";
import { createSpoolFolder, QUIET_MS, type SpoolFolder } from "./spool-folder.ts";

// Exactly once, wherever it stops: a crash is a transaction that never came about, and a new daemon afterwards.

let spool: SpoolFolder;
beforeEach(() => {
  spool = createSpoolFolder();
});
afterEach(() => {
  spool.close();
});

/** A writer that the process does not live to use a second, third, … time. */
function dyingAfter(writes: number): Writer {
  const { write } = spool.files.store;
  let left = writes;
  return {
    run: (work) => {
      left -= 1;
      return left >= 0 ? write.run(work) : write.run(() => Promise.reject(new Error("killed")) as never);
    },
    close: () => undefined,
  };
}

/** A writer whose transaction is undone after its work was done. */
function undoing(): Writer {
  const { write } = spool.files.store;
  return {
    run: (work) =>
      write.run((tx) => {
        work(tx);
        throw new Error("killed");
      }),
    close: () => undefined,
  };
}

const position = (name: string) =>
  spool.files.store.read.spoolFiles.position(name, statSync(join(spool.folder, name)).ino);

test("entries and the position come to disk together, or not at all", async () => {
  spool.append("a.jsonl", { command: "ls" }, "nonsense", { command: "pwd" });
  await spool.restart(undoing()).takeIn();
  expect([spool.commands(), position("a.jsonl"), spool.files.store.read.outbox.depth()]).toEqual([[], 0, 0]);

  await spool.restart().takeIn();
  expect(spool.commands()).toEqual(["ls", "pwd"]);
  expect(position("a.jsonl")).toBe(statSync(join(spool.folder, "a.jsonl")).size);
  // The line that was refused twice is kept once.
  expect(Object.values(spool.rejected())).toEqual(["nonsense\n"]);
});

test("a crash between any two transactions loses nothing and doubles nothing", async () => {
  const commands = Array.from({ length: 900 }, (_, index) => `echo ${index}`);
  spool.append("a.jsonl", ...commands.map((command) => ({ command })));
  for (let died = 0; died < 6; died++) await spool.restart(dyingAfter(1)).takeIn();
  expect(spool.commands()).toEqual(commands);
});

test.each([0, 1, 2])(
  "a crash while a file is put away leaves its name free for a new file: %i",
  async (writes) => {
    // The new file gets the removed one's inode, as file systems like to do, and is longer.
    spool.append("a.jsonl", { command: "before" });
    const { ino } = statSync(join(spool.folder, "a.jsonl"));
    await spool.restart().takeIn();
    spool.later(QUIET_MS + 1000);
    await spool.restart().takeIn();
    spool.later(QUIET_MS + 1000);
    await spool.restart(dyingAfter(writes)).takeIn();

    spool.reuseInode("a.jsonl", ino);
    spool.append("a.jsonl", { command: "after 1", note: "x".repeat(500) }, { command: "after 2" });
    for (let turn = 0; turn < 4; turn++) {
      await spool.restart().takeIn();
      spool.later(QUIET_MS + 1000);
    }
    expect([spool.commands(), spool.names()]).toEqual([["before", "after 1", "after 2"], []]);
  },
);
