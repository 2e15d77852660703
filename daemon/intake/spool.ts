import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  unlinkSync,
} from "node:fs";
import path from "node:path";
import type { NewEntry } from "../../client-lib/protocol/entry.ts";
import type { Written } from "../core/events.ts";
import type { Log } from "../core/log.ts";
import { partsToUuid } from "../core/uuid.ts";
import type { SpoolFileReads } from "../store/spool-files.ts";
import type { Writer } from "../store/writer.ts";
import type { Recorder } from "./recorder.ts";
import { RecorderError } from "./recorder-error.ts";
import { type Line, readLines } from "./spool-lines.ts";
import { keepRefused } from "./spool-refused.ts";

export interface SpoolOptions {
  folder: string;
  recorder: Recorder;
  write: Writer;
  positions: SpoolFileReads;
  /** Checks one line's entry against the schema. @returns the entry, or what is wrong with it in words */
  check: (value: unknown) => { entry: NewEntry } | { problem: string };
  /** As the recorder's: after each commit that left something to send, with what it wrote. */
  onWritten: (written: Written) => void;
  now: () => number;
  log: Log;
}

/** Takes in what clients left in the spool folder while the daemon was away. */
export interface Spool {
  /** Takes in everything that is complete now. One call at a time; a call during another runs after it. */
  takeIn(): Promise<void>;
  status(): { files: number; taken: number; rejected: number };
  /** Ends after the transaction that is under way; the rest stays in its files. */
  stop(): Promise<void>;
}

const SUFFIX = ".jsonl";
/** A file nobody appends to any more. It is kept a while longer, for a writer that had it open. */
const RETIRED_SUFFIX = ".jsonl.retired";

/** A file that was taken in whole and not touched for this long is retired, and after as long again removed. */
const QUIET_MS = 60_000;

/**
 * Exactly once: the position in a file moves in the transaction that stores its entries, so that a crash at any point
 * leaves a file whose rest is still to take. Lines are complete when their newline is there; clients only append.
 */
export function createSpool(options: SpoolOptions): Spool {
  const { folder, log, now } = options;
  let taken = 0;
  let rejected = 0;
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = false;
  /** Names that were warned of, each once. */
  const strange = new Set<string>();

  async function takeInAll(): Promise<void> {
    if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
    for (const name of list()) {
      try {
        await takeFile(name);
      } catch (error) {
        // One unreadable file stops no other; it stays where it is and is tried again.
        log.error({ file: name, err: error }, `spool file ${name} could not be taken in; it is kept`);
      }
    }
  }

  function list(): string[] {
    return namesIn(folder)
      .filter((name) => name.endsWith(SUFFIX) || name.endsWith(RETIRED_SUFFIX))
      .toSorted();
  }

  function hasMore(name: string): boolean {
    const stat = lstatSync(path.join(folder, name), { throwIfNoEntry: false });
    return stat?.isFile() === true && options.positions.position(ledgerName(name), stat.ino) < stat.size;
  }

  async function takeFile(name: string): Promise<void> {
    const file = path.join(folder, name);
    // Opening a pipe would wait for its other end, and with it everyone; a link could lead anywhere.
    if (lstatSync(file, { throwIfNoEntry: false })?.isFile() !== true) {
      if (!strange.has(name)) log.warn({ file: name }, `${file} is no plain file: it is left alone`);
      strange.add(name);
      return;
    }
    const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { ino, size } = fstatSync(fd);
      const original = ledgerName(name);
      let position = options.positions.position(original, ino);
      // Files only grow: a shorter one is another, which got the inode of one that somebody removed.
      if (position > size) position = 0;
      let entries = 0;
      for (;;) {
        const lines = stopped ? [] : readLines(fd, position);
        if (lines.length === 0) break;
        entries += await store(lines, original, ino);
        position = lines.at(-1)!.end;
      }
      if (entries > 0) log.info({ file: name, entries }, `took in ${entries} entries from the spool`);
      if (!stopped) await retire(name, original, ino, position, fd);
    } finally {
      closeSync(fd);
    }
  }

  async function store(lines: Line[], name: string, inode: number): Promise<number> {
    const done = await options.write.run((tx) => {
      const lot = { created: [] as string[], refused: 0 };
      for (const line of lines) {
        // Kept before the position moves past it: a crash in between repeats this, and loses nothing.
        const refuse = (problem: string): void => {
          keep(name, inode, line, problem);
          lot.refused += 1;
        };
        if (line.text.trim() === "") continue;
        const read = readEntry(line, name, inode);
        if ("problem" in read) {
          refuse(read.problem);
          continue;
        }
        try {
          const recorded = options.recorder.recordIn(tx, read.entry);
          if (recorded.created) lot.created.push(recorded.stored.version.id);
        } catch (error) {
          if (!(error instanceof RecorderError)) throw error;
          refuse(error.message);
        }
      }
      tx.spoolFiles.setPosition(name, inode, lines.at(-1)!.end);
      return lot;
    });
    taken += done.created.length;
    rejected += done.refused;
    if (done.created.length > 0) options.onWritten({ ids: done.created, action: "recorded" });
    return done.created.length;
  }

  function readEntry(line: Line, name: string, inode: number): { entry: NewEntry } | { problem: string } {
    if (line.problem !== undefined) return { problem: line.problem };
    let value: unknown;
    try {
      value = JSON.parse(line.text);
    } catch {
      return { problem: "it is not JSON" };
    }
    const checked = options.check(value);
    if ("problem" in checked || checked.entry.id !== undefined) return checked;
    // Without an id of its own a line is known by its place, so that taking it in again adds nothing; and by its text,
    // because a later file may have the same name and, once this one is removed, the same inode.
    return { entry: { ...checked.entry, id: partsToUuid([name, inode, line.start, line.text]) } };
  }

  function keep(name: string, inode: number, line: Line, problem: string): void {
    const kept = keepRefused(folder, `${path.basename(name, SUFFIX)}-${inode}-${line.start}.txt`, line.text);
    log.warn(
      { file: name, offset: line.start, kept },
      `a spooled entry was refused (${problem}); it is kept in ${kept}`,
    );
  }

  async function retire(
    name: string,
    original: string,
    inode: number,
    position: number,
    fd: number,
  ): Promise<void> {
    const { size, mtimeMs, ctimeMs } = fstatSync(fd);
    const file = path.join(folder, name);
    const lastChange = Math.max(mtimeMs, ctimeMs);
    if (now() - lastChange < QUIET_MS) return;
    if (name.endsWith(SUFFIX)) {
      const retired = path.join(folder, `${path.basename(name, SUFFIX)}${RETIRED_SUFFIX}`);
      // An older file of this name may still wait to be removed, with lines in it that came late.
      if (!existsSync(retired)) renameSync(file, retired);
      return;
    }
    if (position < size) {
      const rest = Buffer.alloc(size - position);
      readSync(fd, rest, 0, rest.length, position);
      rejected += 1;
      keep(
        original,
        inode,
        { text: rest.toString("utf8"), start: position, end: size },
        "its last line was never finished",
      );
    }
    // In this order: a crash in between has the file taken in once more, which adds nothing, since a line's id follows
    // from its place. The other way round, a new file of the same name and inode would be skipped up to the position.
    await options.write.run((tx) => {
      tx.spoolFiles.forget(original, inode);
    });
    // Somebody may have appended meanwhile; the next look takes it in.
    if (fstatSync(fd).size === size) unlinkSync(file);
  }

  return {
    async takeIn() {
      if (stopped) return;
      if (running !== null) {
        again = true;
        return running;
      }
      running = (async () => {
        do {
          again = false;
          await takeInAll();
        } while (again);
      })().finally(() => {
        running = null;
      });
      return running;
    },
    async stop() {
      stopped = true;
      await running;
    },
    status: () => ({ files: list().filter(hasMore).length, taken, rejected }),
  };
}

/** A folder that somebody removed is empty. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** The ledger knows a file by the name under which it was written to. */
function ledgerName(name: string): string {
  return name.endsWith(RETIRED_SUFFIX) ? name.slice(0, -".retired".length) : name;
}
