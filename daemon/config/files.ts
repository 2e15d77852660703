import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { ConfigError } from "./setting.ts";

/** The files of a home folder. */
export interface HomeFiles {
  home: string;
  cache: string;
  machineId: string;
  spool: string;
  backups: string;
  lock: string;
}

export function homeFiles(home: string): HomeFiles {
  return {
    home,
    cache: path.join(home, "cache.db"),
    machineId: path.join(home, "machine-id"),
    spool: path.join(home, "spool"),
    backups: path.join(home, "backups"),
    lock: path.join(home, "historyd.lock"),
  };
}

/**
 * Makes the home folder and what belongs in it, with nobody else's access.
 * @throws ConfigError where a folder is not ours, can be written by others, or is no folder
 */
export function prepareHome(files: HomeFiles, userId: number): void {
  for (const folder of [files.home, files.spool, files.backups]) ensurePrivateFolder(folder, userId, true);
}

/**
 * Creates the folder with mode 0700, or checks that nobody else can write to an existing one.
 * @param ours whether nobody else may read it either: a folder that somebody chose is left as it is
 */
export function ensurePrivateFolder(folder: string, userId: number, ours: boolean): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new ConfigError(`${folder}: the folder cannot be made (${(cause as Error).message})`, { cause });
  }
  const stat = statSync(folder);
  if (!stat.isDirectory()) throw new ConfigError(`${folder}: expected a folder, found something else`);
  if (stat.uid !== userId) {
    throw new ConfigError(
      `${folder}: belongs to user ${stat.uid}, historyd runs as ${userId}; choose another HISTORYD_HOME, or chown it`,
    );
  }
  if ((stat.mode & 0o022) !== 0) {
    throw new ConfigError(
      `${folder}: others can write to it (mode ${mode(stat.mode)}), so its content cannot be trusted; look it through, then: chmod 700 ${folder}`,
    );
  }
  if (ours && (stat.mode & 0o077) !== 0) chmodSync(folder, 0o700);
}

/** Refuses a file of ours that others can write, and closes one that others can read. */
export function ensurePrivateFile(file: string, userId: number): void {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isFile())
    throw new ConfigError(`${file}: expected a plain file, found something else; move it away`);
  if (stat.uid !== userId)
    throw new ConfigError(
      `${file}: belongs to user ${stat.uid}, historyd runs as ${userId}; look it through, then: chown ${userId} ${file}`,
    );
  if ((stat.mode & 0o022) !== 0) {
    throw new ConfigError(
      `${file}: others can write to it (mode ${mode(stat.mode)}); look it through, then: chmod 600 ${file}`,
    );
  }
  if ((stat.mode & 0o077) !== 0) chmodSync(file, 0o600);
}

function mode(bits: number): string {
  return (bits & 0o777).toString(8).padStart(4, "0");
}

/** Letters that are safe in a file name, a log and a JSON body; the chat assistant's own ids are of this kind. */
const MACHINE_ID = /^[\w.:-]{1,128}$/;

/**
 * This machine's id, from the file that the chat assistant may have written before; made where there is none.
 * @throws ConfigError where the file holds something else
 */
export function ensureMachineId(file: string, newId: () => string): string {
  const unfinished = `${file}.new`;
  if (existsSync(file)) rmSync(unfinished, { force: true });
  else createWhole(file, unfinished, `${newId()}\n`);
  const id = readFileSync(file, "utf8").trim();
  if (!MACHINE_ID.test(id)) {
    throw new ConfigError(
      `${file}: expected one id of letters, digits, '.', '_', ':' or '-' (up to 128), got ${id === "" ? "an empty file" : "something else"}; remove the file to get a new identity`,
    );
  }
  return id;
}

/**
 * Gives this machine another id. The old one stays beside it, in a file that is named after it. At every moment the
 * file holds the one or the other: a start that found none would make up a third.
 */
export function replaceMachineId(file: string, former: string, id: string): void {
  const kept = `${file}.${former.replaceAll(/[^\w.-]/g, "_")}`;
  const unfinished = `${file}.new`;
  if (existsSync(file) && !existsSync(kept)) linkSync(file, kept);
  rmSync(unfinished, { force: true });
  writeFileSync(unfinished, `${id}\n`, { mode: 0o600, flag: "wx", flush: true });
  renameSync(unfinished, file);
  syncFolder(path.dirname(file));
}

/**
 * Creates the file with all of its content, or not at all; one that somebody else created meanwhile is left as it is.
 * @param unfinished its name until it is whole
 */
function createWhole(file: string, unfinished: string, content: string): void {
  // What a crash left.
  rmSync(unfinished, { force: true });
  writeFileSync(unfinished, content, { mode: 0o600, flag: "wx", flush: true });
  try {
    // Unlike renaming, linking never replaces a file.
    linkSync(unfinished, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(unfinished, { force: true });
  }
  syncFolder(path.dirname(file));
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
