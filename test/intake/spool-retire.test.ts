import { appendFileSync, closeSync, openSync, statSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Spool } from "../../daemon/intake/spool.ts";
import { createSpoolFolder, QUIET_MS, type SpoolFolder } from "./spool-folder.ts";

let spool: SpoolFolder;
let running: Spool;
beforeEach(() => {
  spool = createSpoolFolder();
  running = spool.restart();
});
afterEach(() => {
  spool.close();
});

async function quiet(): Promise<void> {
  spool.later(QUIET_MS + 1000);
  await running.takeIn();
}

test("a file that was taken in is renamed when it was left alone for a minute, and removed after another", async () => {
  spool.append("a.jsonl", { command: "ls" });
  await running.takeIn();
  expect(spool.names()).toEqual(["a.jsonl"]);
  spool.later(QUIET_MS - 1000);
  await running.takeIn();
  expect(spool.names()).toEqual(["a.jsonl"]);
  spool.later(2000);
  await running.takeIn();
  expect(spool.names()).toEqual(["a.jsonl.retired"]);
  expect(running.status().files).toBe(0);
  // The minute begins again with the renaming, by the file's own times.
  spool.later(QUIET_MS);
  await running.takeIn();
  expect([spool.names(), spool.commands(), spool.rejected()]).toEqual([[], ["ls"], {}]);
});

test("what a writer that had it open still appends is taken, from a renamed file too", async () => {
  spool.append("a.jsonl", { command: "one" });
  const open = openSync(join(spool.folder, "a.jsonl"), "a");
  await quiet();
  expect(spool.names()).toEqual(["a.jsonl.retired"]);
  writeSync(open, `${JSON.stringify({ v: 1, entry: { command: "two" } })}\n`);
  closeSync(open);
  await running.takeIn();
  expect(spool.commands()).toEqual(["one", "two"]);
  await quiet();
  expect([spool.names(), spool.commands()]).toEqual([[], ["one", "two"]]);
});

test("what is appended at the very moment of the removal is taken too", async () => {
  spool.append("a.jsonl", { command: "one" });
  await quiet();
  const { write } = spool.files.store;
  const late = spool.restart({
    run: (work) => {
      spool.append("a.jsonl.retired", { command: "two" });
      return write.run(work);
    },
    close: () => undefined,
  });
  spool.later(QUIET_MS + 1000);
  await late.takeIn();
  expect(spool.names()).toEqual(["a.jsonl.retired"]);
  await running.takeIn();
  expect([spool.names(), spool.commands()]).toEqual([[], ["one", "two"]]);
});

test("a last line that was never finished is not thrown away with its file", async () => {
  spool.append("a.jsonl", { command: "one" });
  const { ino, size } = statSync(join(spool.folder, "a.jsonl"));
  appendFileSync(join(spool.folder, "a.jsonl"), '{"v":1,"entry":{"comm');
  await quiet();
  expect(spool.rejected()).toEqual({});
  await quiet();
  expect([spool.names(), spool.commands()]).toEqual([["rejected"], ["one"]]);
  expect(spool.rejected()).toEqual({ [`a-${ino}-${size}.txt`]: '{"v":1,"entry":{"comm\n' });
  expect(running.status().rejected).toBe(1);
});

describe("a new file under an old name", () => {
  test("is another file, also where it gets the removed one's inode", async () => {
    let inode: number | null = null;
    for (let life = 0; life < 5; life++) {
      if (inode !== null) spool.reuseInode("a.jsonl", inode);
      // The same bytes but for the command, so that every offset is the same.
      spool.append("a.jsonl", { command: `echo ${life}` }, { command: `exit ${life}` });
      inode = statSync(join(spool.folder, "a.jsonl")).ino;
      await running.takeIn();
      await quiet();
      await quiet();
      expect(spool.names()).toEqual([]);
    }
    expect(spool.commands()).toEqual([0, 1, 2, 3, 4].flatMap((life) => [`echo ${life}`, `exit ${life}`]));
    expect(spool.rejected()).toEqual({});
  });

  test("shorter than the old one is read from its beginning, when somebody else removed that", async () => {
    spool.append("a.jsonl", { command: "a command that is rather long" });
    const { ino } = statSync(join(spool.folder, "a.jsonl"));
    await running.takeIn();
    unlinkSync(join(spool.folder, "a.jsonl"));
    spool.reuseInode("a.jsonl", ino);
    spool.append("a.jsonl", { command: "ls" });
    await running.takeIn();
    expect(spool.commands()).toEqual(["a command that is rather long", "ls"]);
  });

  test("does not push out the old one that waits to be removed", async () => {
    spool.append("a.jsonl", { command: "one" });
    const open = openSync(join(spool.folder, "a.jsonl"), "a");
    await quiet();
    spool.later(-QUIET_MS - 1000);
    spool.append("a.jsonl", { command: "two" });
    await running.takeIn();
    expect(spool.names()).toEqual(["a.jsonl", "a.jsonl.retired"]);
    // Both are old enough now, and the old one has a line that nobody has read.
    writeSync(open, `${JSON.stringify({ v: 1, entry: { command: "three" } })}\n`);
    closeSync(open);
    await quiet();
    await quiet();
    await quiet();
    expect(spool.commands().toSorted()).toEqual(["one", "three", "two"]);
    await quiet();
    expect(spool.names()).toEqual([]);
  });
});
