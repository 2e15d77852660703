import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { SpoolLine } from "../../client-lib/protocol/spool.ts";
import { createValidation } from "../../daemon/http/validation.ts";
import { createRecorder, type Recorder } from "../../daemon/intake/recorder.ts";
import type { Log } from "../../daemon/core/log.ts";
import { createSpool, type Spool } from "../../daemon/intake/spool.ts";
import type { Writer } from "../../daemon/store/writer.ts";
import { createTestStore, type TestStore } from "../support/store.ts";

/** How long a file must be left alone before it is put away. */
export const QUIET_MS = 60_000;

/** A spool folder beside a cache, and time that moves only when it is told to. */
export interface SpoolFolder {
  readonly folder: string;
  readonly files: TestStore;
  readonly recorder: Recorder;
  /** What was logged, as `level message`. */
  readonly log: string[];
  /** Appends lines, each with its newline; a line that is no text is written as an entry. */
  append(name: string, ...lines: (string | object)[]): void;
  /** Takes care that the next file appended to under this name has this inode, as file systems like to give it. */
  reuseInode(name: string, inode: number): void;
  /** Makes a new spool, as a restart would. @param write takes the place of the cache's writer */
  restart(write?: Writer): Spool;
  /** From now on it is this much later than the files say. */
  later(ms: number): void;
  names(): string[];
  commands(): string[];
  /** What was set aside, by file name. */
  rejected(): Record<string, string>;
  close(): void;
}

export function createSpoolFolder(): SpoolFolder {
  const files = createTestStore();
  const folder = join(files.home, "spool");
  mkdirSync(folder);
  const check = createValidation().checker(SpoolLine, "line");
  const log: string[] = [];
  const say = (level: string) => (_: object, message: string) => {
    log.push(`${level} ${message}`);
  };
  const spoolLog: Log = {
    debug: say("debug"),
    info: say("info"),
    warn: say("warn"),
    error: say("error"),
  };
  let offset = 0;
  const createRecorderOn = (write: Writer) =>
    createRecorder({
      write,
      machine: { id: "machine-a", hostname: "host-a" },
      user: null,
      newId: () => {
        throw new Error("every line has an id of its own, or one made of its place");
      },
      now: () => 1000,
      onWritten: () => undefined,
    });

  return {
    folder,
    files,
    recorder: createRecorderOn(files.store.write),
    log,
    append(name, ...lines) {
      const text = lines.map((line) =>
        typeof line === "string" ? line : JSON.stringify({ v: 1, entry: line }),
      );
      appendFileSync(join(folder, name), text.map((line) => `${line}\n`).join(""));
    },
    reuseInode(name, inode) {
      const candidates = Array.from({ length: 500 }, (_, index) => join(folder, `candidate-${index}`));
      for (const candidate of candidates) {
        writeFileSync(candidate, "");
        if (statSync(candidate).ino === inode) {
          renameSync(candidate, join(folder, name));
          break;
        }
      }
      for (const candidate of candidates) rmSync(candidate, { force: true });
    },
    restart: (write = files.store.write) =>
      createSpool({
        folder,
        recorder: createRecorderOn(write),
        write,
        positions: files.store.read.spoolFiles,
        check: (value) => {
          const checked = check(value);
          return "problem" in checked ? checked : { entry: checked.value.entry };
        },
        onWritten: () => undefined,
        now: () => Date.now() + offset,
        log: spoolLog,
      }),
    later(ms) {
      offset += ms;
    },
    names: () => readdirSync(folder).toSorted(),
    commands: () =>
      files.store.read.history
        .list({ mode: "hybrid", viewer: { machineId: "machine-a", user: null } }, 1_000_000, null)
        .entries.map(({ command }) => command)
        .toReversed(),
    rejected() {
      const kept = join(folder, "rejected");
      const names = existsSync(kept) ? readdirSync(kept) : [];
      return Object.fromEntries(names.map((name) => [name, readFileSync(join(kept, name), "utf8")]));
    },
    close: files.close,
  };
}
