// Loaded into a daemon before its own code (`node --import`): it wraps what the daemon calls, and at the named point the
// process kills itself as a crash would, without a handler, a flush or a goodbye. The daemon itself knows nothing of it.
import fs from "node:fs";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { basename } from "node:path";
import Database from "better-sqlite3";
import type { Dispatcher } from "undici";
import { type Doom, killPoint, lastWords, type When } from "./kill-points.ts";

const doomFile = process.env["KILL_FILE"];
if (doomFile === undefined) throw new Error("expected KILL_FILE, which says where to die once it is there");
const { existsSync, readFileSync, truncateSync, statSync, writeSync } = fs;
let doom: Doom | null = null;
let seen = 0;
let transaction: { statements: string[]; rows: number } = { statements: [], rows: 0 };

function isDue(when: When, call: string): boolean {
  // Until the file is there nothing counts: the test prepares its stage.
  if (doom === null && existsSync(doomFile!)) doom = JSON.parse(readFileSync(doomFile!, "utf8")) as Doom;
  if (doom === null || !killPoint(doom)({ when, call, transaction })) return false;
  seen += 1;
  return seen === (doom.nth ?? 1);
}

function die(): void {
  writeSync(2, `${lastWords(doom!)}\n`);
  process.kill(process.pid, "SIGKILL");
}

/** @param doHalf does a part of the call, where a part of it can be done */
function around<T>(call: string, work: () => T, doHalf?: () => void): T {
  if (isDue("before", call)) die();
  if (doHalf !== undefined && isDue("half", call)) {
    doHalf();
    die();
  }
  const result = work();
  if (isDue("after", call)) die();
  return result;
}

// SQLite. A database of its own is the home folder's lock, which is not what is tested here.
const isCache = (db: Database.Database): boolean => basename(db.name) === "cache.db";

type Run = (this: Database.Statement, ...args: unknown[]) => Database.RunResult;
const memory = new Database(":memory:");
const statementPrototype = Object.getPrototypeOf(memory.prepare("SELECT 1")) as { run: Run };
memory.close();
const { run } = statementPrototype;
statementPrototype.run = function runAndMaybeDie(...args) {
  const { database, source } = this;
  if (!isCache(database)) return run.apply(this, args);
  const call = source.replaceAll(/\s+/g, " ").trim();
  const doHalf = call.startsWith("VACUUM INTO") ? () => halfACopy(this, args) : undefined;
  return around(
    call,
    () => {
      const result = run.apply(this, args);
      if (call.startsWith("BEGIN")) transaction = { statements: [], rows: 0 };
      else transaction.statements.push(call);
      if (call.startsWith("INSERT INTO history (")) transaction.rows += 1;
      return result;
    },
    doHalf,
  );
};

/** What is on disk when a copy is cut off: SQLite writes it from its beginning to its end. */
function halfACopy(vacuum: Database.Statement, args: unknown[]): void {
  run.apply(vacuum, args);
  const copy = String(args[0]);
  truncateSync(copy, statSync(copy).size >> 1);
}

const databasePrototype = Database.prototype;
const { exec } = databasePrototype;
databasePrototype.exec = function execAndMaybeDie(script) {
  if (!isCache(this)) return exec.call(this, script);
  const call = `exec ${script}`;
  return around(
    call,
    () => {
      const result = exec.call(this, script);
      transaction.statements.push(call);
      return result;
    },
    () => halfAScript(this, script),
  );
};

function halfAScript(db: Database.Database, script: string): void {
  const pieces = script.split(/(?<=;)/);
  const middle = pieces.length >> 1;
  let statement = "";
  for (const [index, piece] of pieces.entries()) {
    statement += piece;
    if (!isWhole(db, statement)) continue;
    exec.call(db, statement);
    statement = "";
    if (index >= middle) return;
  }
}

/** A semicolon also stands inside triggers and comments. */
function isWhole(db: Database.Database, sql: string): boolean {
  try {
    db.prepare(sql);
    return true;
  } catch {
    return false;
  }
}

// Files: the calls whose order is what a crash can tear apart.
const name = (file: fs.PathLike): string => basename(String(file));
const { renameSync, unlinkSync, linkSync, writeFileSync, fsyncSync } = fs;
fs.renameSync = (from, to) => around(`rename ${name(from)} ${name(to)}`, () => renameSync(from, to));
fs.unlinkSync = (file) => around(`unlink ${name(file)}`, () => unlinkSync(file));
fs.linkSync = (from, to) => around(`link ${name(from)} ${name(to)}`, () => linkSync(from, to));
fs.fsyncSync = (fd) => around("fsync", () => fsyncSync(fd));
fs.writeFileSync = (file, data, options) => {
  if (typeof file === "number" || typeof data !== "string") return writeFileSync(file, data, options);
  return around(
    `writeFile ${name(file)}`,
    () => writeFileSync(file, data, options),
    () => writeFileSync(file, data.slice(0, data.length >> 1), options),
  );
};
syncBuiltinESMExports();

// The network. Patched before the daemon links against it, which copies what is exported then.
type Request = (url: unknown, options?: { body?: unknown }) => Promise<Dispatcher.ResponseData>;
const undici = createRequire(import.meta.url)("undici") as { request: Request };
const { request } = undici;
undici.request = async (url, options) => {
  const body = options?.body;
  const call = `request ${body instanceof Uint8Array ? Buffer.from(body).toString() : ""}`;
  if (isDue("before", call)) die();
  const answer = await request(url, options);
  // The server has done all of it when its whole answer has come.
  const bytes = await answer.body.arrayBuffer();
  if (isDue("after", call)) die();
  answer.body.arrayBuffer = () => Promise.resolve(bytes);
  return answer;
};
