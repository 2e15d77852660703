import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { packageRoot } from "../../client-lib/package-root.ts";
import { lockHome } from "../../daemon/store/lock.ts";
import { type Running, startProcess } from "../support/processes.ts";
import { tempDir, type TempDir } from "../support/temp.ts";

let temp: TempDir;
let file: string;
beforeEach(() => {
  temp = tempDir("historyd-lock");
  file = join(temp.path, "lock.db");
});
afterEach(() => {
  temp.remove();
});

/** Another process that takes the lock and keeps it until it is told to let go. */
async function startOwner(): Promise<Running> {
  const owner = await startTaker();
  await owner.waitForLine(/^locked$/);
  return owner;
}

/** The same, before it has the lock. */
async function startTaker(): Promise<Running> {
  const lock = pathToFileURL(join(packageRoot, "dist/daemon/store/lock.js")).href;
  return startProcess(process.execPath, [
    "--input-type=module",
    "-e",
    `import { lockHome } from ${JSON.stringify(lock)};
     const lock = lockHome(${JSON.stringify(file)}, process.pid);
     console.log("locked");
     process.stdin.on("end", () => { lock.release(); console.log("released"); }).resume();`,
  ]);
}

function isBeingWritten(): boolean {
  const db = new Database(file, { timeout: 0 });
  try {
    db.exec("BEGIN IMMEDIATE; ROLLBACK");
    return false;
  } catch {
    return true;
  } finally {
    db.close();
  }
}

const refused = (pid: number) =>
  expect.objectContaining({
    name: "StorageError",
    code: "HD_ALREADY_RUNNING",
    message: expect.stringContaining(`(pid ${pid})`),
  });

test("a home that another process owns is refused with that process's pid", async () => {
  const owner = await startOwner();
  expect(() => lockHome(file, process.pid)).toThrow(refused(owner.pid));
  // Asking does not change who owns it.
  expect(() => lockHome(file, process.pid)).toThrow(refused(owner.pid));
  await owner.stop("SIGKILL");
});

test("it is free again when its owner lets go", async () => {
  const owner = await startOwner();
  owner.stdin.end();
  await owner.waitForLine(/^released$/);
  lockHome(file, process.pid).release();
  await owner.exited;
});

test("it is free again when its owner is killed", async () => {
  const owner = await startOwner();
  await owner.stop("SIGKILL");
  const lock = lockHome(file, process.pid);
  expect(() => lockHome(file, 1)).toThrow(refused(process.pid));
  lock.release();
});

test("of several that start at once exactly one gets it", async () => {
  const starts = await Promise.allSettled([startOwner(), startOwner(), startOwner()]);
  const owners = starts.filter((start) => start.status === "fulfilled").map((start) => start.value);
  expect(owners.length).toBe(1);
  expect(() => lockHome(file, process.pid)).toThrow(/HISTORYD_HOME/);
  await owners[0]!.stop("SIGKILL");
});

test("one that asks who owns it does not keep another from taking it", async () => {
  lockHome(file, process.pid).release();
  const asking = new Database(file);
  asking.exec("BEGIN");
  asking.prepare("SELECT pid FROM owner").get();
  const taker = await startTaker();
  await taker.waitFor(() => isBeingWritten(), { what: "it wants to write its pid" });
  asking.close();
  await taker.waitForLine(/^locked$/);
  expect(() => lockHome(file, process.pid)).toThrow(refused(taker.pid));
  await taker.stop("SIGKILL");
});

test("the lock is one file, the user's alone, and is left behind", () => {
  const lock = lockHome(file, process.pid);
  expect(readdirSync(temp.path)).toEqual(["lock.db"]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  lock.release();
  expect(readdirSync(temp.path)).toEqual(["lock.db"]);
});
