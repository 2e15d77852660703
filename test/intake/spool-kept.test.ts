import type * as Fs from "node:fs";
import { statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createSpoolFolder, type SpoolFolder } from "./spool-folder.ts";

// A position that is on disk says that what is before it is safe: so must be what was refused.

/** The files and folders whose content was flushed to disk, and what had been stored by then. */
const flushed: { file: string; stored: number }[] = [];

vi.mock("node:fs", async (importOriginal) => {
  const fs = await importOriginal<typeof Fs>();
  return {
    ...fs,
    fsyncSync: (fd: number) => {
      fs.fsyncSync(fd);
      flushed.push({ file: fs.readlinkSync(`/proc/self/fd/${fd}`), stored: spool.commands().length });
    },
  };
});

let spool: SpoolFolder;
beforeEach(() => {
  spool = createSpoolFolder();
});
afterEach(() => {
  spool.close();
});

test("a refused line is on disk, and so is its name, before the position moves past it", async () => {
  spool.append("a.jsonl", "nonsense", { command: "after" });
  await spool.restart().takeIn();
  const folder = join(spool.folder, "rejected");
  const kept = join(folder, `a-${statSync(join(spool.folder, "a.jsonl")).ino}-0.txt`);
  expect(flushed).toEqual([kept, folder, spool.folder].map((file) => ({ file, stored: 0 })));
});
