import { closeSync, fsyncSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import path from "node:path";

const FOLDER = "rejected";

/**
 * What cannot be stored is not lost: it is put where a person finds it, and is on disk when this returns.
 * @returns the file's path
 */
export function keepRefused(spool: string, name: string, text: string): string {
  const target = path.join(spool, FOLDER, name);
  mkdirSync(path.dirname(target), { recursive: true, mode: 0o700 });
  const fd = openSync(target, "w", 0o600);
  try {
    writeFileSync(fd, `${text}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  // The names as well: the position that moves past the line is on disk at once.
  for (const folder of [path.dirname(target), spool]) syncFolder(folder);
  return target;
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
