import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, onTestFinished } from "vitest";
import type { Entry } from "../../client-lib/protocol/entry.ts";
import { hlcToMs } from "../../daemon/core/hlc.ts";
import { createMachine, type Machine, type MachineOptions } from "../support/machine.ts";
import { createSqliteServer, type SqliteServer } from "../support/sqlite-executor.ts";
import { tempDir } from "../support/temp.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A remote and the machines of this test, all by one clock, which moves when the test says so. */
export interface Team {
  readonly server: SqliteServer;
  readonly now: () => number;
  pass(ms: number): void;
  /** A machine whose home outlives it, so that it can be opened again, or copied. */
  machine(id: string, options?: Partial<MachineOptions>): Machine;
  /** What is in this home goes on, as the machine that it says it is. */
  open(home: string, options?: Partial<MachineOptions>): Machine;
  /** A copy of a closed machine's home, elsewhere. */
  copyOf(home: string): string;
  /** Puts a copy back into its place. */
  putBack(copy: string, home: string): void;
}

export function team(): Team {
  let time = Date.UTC(2026, 0, 1);
  const now = (): number => time;
  const server = createSqliteServer(now);
  const folder = tempDir("hd");
  onTestFinished(folder.remove);
  let homes = 0;
  const newHome = (): string => join(folder.path, String(++homes));

  function open(home: string, options: Partial<MachineOptions> = {}): Machine {
    mkdirSync(home, { recursive: true });
    const opened = createMachine({ id: "by its home", remote: server.connect(), now, home, ...options });
    onTestFinished(opened.close);
    return opened;
  }

  return {
    server,
    now,
    pass(ms) {
      time += ms;
    },
    machine: (id, options) => open(newHome(), { id, ...options }),
    open,
    copyOf(home) {
      const copy = newHome();
      cpSync(home, copy, { recursive: true });
      return copy;
    },
    putBack(copy, home) {
      rmSync(home, { recursive: true });
      cpSync(copy, home, { recursive: true });
    },
  };
}

/** Everyone synchronises, again and again, until whatever one of them made of the others' news has come around. */
export async function rounds(...machines: Machine[]): Promise<void> {
  for (let round = 0; round < 4; round++) for (const machine of machines) await machine.sync();
}

/** Entries by id, but for what is each machine's own view. */
function view(of: Machine): unknown {
  const own = ({ sync: _sync, ...entry }: Entry): unknown => entry;
  return of
    .entries()
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(own);
}

/** All have the same and nothing to send, and each finds itself equal with the remote, contents included. */
export async function expectAgreement(server: SqliteServer, ...machines: Machine[]): Promise<void> {
  for (const machine of machines) {
    expect(view(machine)).toEqual(view(machines[0]!));
    expect(machine.store.read.outbox.depth()).toBe(0);
    expect(machine.store.read.meta.get("doubt")).toBeNull();
    expect(await verify(machine)).toBe("equal");
  }
  const { n, revs, newest, counter } = server.db
    .prepare(
      `SELECT count(*) AS n, count(DISTINCT rev) AS revs, ifnull(max(rev), 0) AS newest, (SELECT value FROM seq) AS counter
       FROM records`,
    )
    .get() as Record<string, number>;
  expect(revs).toBe(n);
  expect(newest).toBeLessThanOrEqual(counter!);
}

export async function verify(machine: Machine): Promise<string> {
  return (await machine.reconcile({ reason: "test", content: true, repair: false })).outcome;
}

export function commands(of: Machine): string[] {
  return of
    .entries()
    .map(({ command }) => command)
    .toSorted();
}

/** Both values of every conflict that the remote keeps, each two in the order of the alphabet. */
export function keptValues({ db }: SqliteServer): (string | null)[] {
  const sql = `SELECT body ->> 'local_value' AS local, body ->> 'remote_value' AS remote
    FROM records WHERE kind = 'conflict' ORDER BY rev`;
  const rows = db.prepare(sql).all() as { local: string | null; remote: string | null }[];
  return rows.flatMap(({ local, remote }) =>
    (local ?? "") < (remote ?? "") ? [local, remote] : [remote, local],
  );
}

/** The newest stamp on the remote, ms since the epoch. */
export function newestStamp({ db }: SqliteServer): number {
  return hlcToMs(db.prepare("SELECT max(hlc) FROM records").pluck().get() as string);
}

/** Whether a text is anywhere in the files of a cache. */
export function isInFiles(word: string, { home }: Machine): boolean {
  return ["cache.db", "cache.db-wal"].some((name) => readFileSync(join(home, name)).includes(word));
}

/** Somebody works on a cache with a shell. */
export function byHand({ home }: Machine, sql: string): void {
  const db = new Database(join(home, "cache.db"));
  db.exec(sql);
  db.close();
}
