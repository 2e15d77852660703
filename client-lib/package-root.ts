import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

/**
 * The folder that holds package.json, migrations/ and systemd/. Code runs from the source tree in tests and from
 * dist/ when installed, so that the way up to it differs.
 */
export const packageRoot: string = findRoot(import.meta.dirname);

/** This package's version, from its package.json. */
export const version: string = (
  JSON.parse(readFileSync(path.join(packageRoot, "package.json"), "utf8")) as { version: string }
).version;

function findRoot(start: string): string {
  for (let folder = start; ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, "package.json"))) return folder;
    if (folder === path.dirname(folder)) throw new Error(`no package.json above ${start}`);
  }
}
