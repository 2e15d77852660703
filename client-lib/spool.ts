import { constants } from "node:fs";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import path from "node:path";
import { spoolFileName } from "./paths.ts";
import type { NewEntry } from "./protocol/entry.ts";
import type { SpoolLine } from "./protocol/spool.ts";

/** The disk refused an entry that the daemon could not take either: it is stored nowhere. */
export class SpoolError extends Error {
  override readonly name = "SpoolError";
  readonly code = "HD_SPOOL";
}

/** Keeps entries for a daemon that is away. */
export interface Spool {
  /**
   * Resolves when the entries are on disk, fsynced. Calls at the same time share one fsync.
   * @throws SpoolError where the disk refuses. Of several entries the first ones may then be stored all the same.
   */
  append(entries: readonly NewEntry[]): Promise<void>;
}

const APPEND = constants.O_WRONLY | constants.O_APPEND;

interface Waiting {
  lines: Buffer[];
  resolve: () => void;
  reject: (error: SpoolError) => void;
}

/**
 * Appends to a file of this process in the spool folder, as `SpoolLine` says.
 *
 * The file is opened anew for each write and never created under a name that was used before: the daemon renames
 * and removes a file that was quiet for a minute, and what is written to a removed file is lost.
 * @param findFolder asked on first use; what it throws becomes a SpoolError
 */
export function createSpool(findFolder: () => string): Spool {
  const waiting: Waiting[] = [];
  let draining = false;
  /** Null where the next line needs a new file. */
  let file: string | null = null;

  async function drain(): Promise<void> {
    if (draining) return;
    draining = true;
    while (waiting.length > 0) {
      try {
        await writeTo(await openFile());
      } catch (error) {
        waiting.shift()?.reject(toSpoolError(error));
      }
    }
    draining = false;
  }

  async function openFile(): Promise<FileHandle> {
    try {
      if (file !== null) return await open(file, APPEND);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    file = null;
    const folder = findFolder();
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const name = path.join(folder, spoolFileName());
    const handle = await open(name, APPEND | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      await syncFolder(folder);
    } catch (error) {
      await handle.close();
      throw error;
    }
    file = name;
    return handle;
  }

  /** Writes what waits now, and answers those whose lines are on disk. */
  async function writeTo(handle: FileHandle): Promise<void> {
    const written: Waiting[] = [];
    try {
      for (let left = waiting.length; left > 0; left -= 1) {
        const next = waiting.shift()!;
        try {
          for (const line of next.lines) await writeWhole(handle, line);
          written.push(next);
        } catch (error) {
          // The file may end in a torn line, which would swallow the next one.
          file = null;
          next.reject(toSpoolError(error));
          break;
        }
      }
      await handle.sync();
      // Whoever was stopped for minutes between open and write wrote to a file that the daemon has removed.
      const { nlink } = await handle.stat();
      if (nlink === 0) waiting.unshift(...written);
      else for (const one of written) one.resolve();
    } catch (error) {
      file = null;
      for (const one of written) one.reject(toSpoolError(error));
    } finally {
      await handle.close().catch(() => undefined);
    }
  }

  return {
    append: (entries) =>
      new Promise((resolve, reject) => {
        waiting.push({ lines: entries.map(toLine), resolve, reject });
        void drain();
      }),
  };
}

function toLine(entry: NewEntry): Buffer {
  const line: SpoolLine = { v: 1, entry };
  return Buffer.from(`${JSON.stringify(line)}\n`);
}

/** One write call a line: what is written is a whole line, or known not to be. */
async function writeWhole(handle: FileHandle, line: Buffer): Promise<void> {
  const { bytesWritten } = await handle.write(line);
  if (bytesWritten < line.length) {
    throw new Error(`no space left: ${bytesWritten} of ${line.length} bytes were written`);
  }
}

/** A new file survives a power loss only with its folder. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function toSpoolError(cause: unknown): SpoolError {
  const { message } = cause as Error;
  return new SpoolError(
    `the entry is stored nowhere: historyd did not take it, and the spool folder cannot be written (${message})`,
    { cause },
  );
}
