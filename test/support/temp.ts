import { chmodSync, lstatSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A temporary folder; `remove` is a closure, so it can be handed to `onTestFinished` or `afterAll` as it is. */
export interface TempDir {
  readonly path: string;
  /** Removes the folder with all it holds; a second call does nothing. */
  readonly remove: () => void;
}

const present = new Set<string>();

/**
 * Makes a new folder with mode 0700 under the system's temporary folder. What the caller does not remove is removed
 * when this process exits, so that a demo script needs no test runner.
 *
 * @param prefix starts the name; keep it short, as the whole path of a Unix socket must fit in about 100 bytes.
 * @param parent where to make it instead
 */
export function tempDir(prefix: string, parent: string = tmpdir()): TempDir {
  // The real path, because macOS hands out a link, and paths that are compared in tests must be equal.
  const path = realpathSync(mkdtempSync(join(parent, `${prefix}-`)));
  // mkdtemp's 0700 still passes through the umask.
  chmodSync(path, 0o700);
  if (present.size === 0) process.once("exit", removeAll);
  present.add(path);
  return { path, remove: () => remove(path) };
}

function removeAll(): void {
  for (const path of present) {
    try {
      remove(path);
    } catch (error) {
      // One folder that cannot be removed must not keep the others, nor change the exit code.
      process.stderr.write(`tempDir: ${path} is left behind: ${String(error)}\n`);
    }
  }
}

function remove(path: string): void {
  if (!present.delete(path)) return;
  if (present.size === 0) process.off("exit", removeAll);
  try {
    rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    // Tests of wrong permissions leave folders that cannot be listed or written.
    unlock(path);
    rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

function unlock(path: string): void {
  if (!lstatSync(path).isDirectory()) return;
  chmodSync(path, 0o700);
  for (const name of readdirSync(path)) unlock(join(path, name));
}
