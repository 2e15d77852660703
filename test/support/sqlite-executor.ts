import Database from "better-sqlite3";
import type { Row, SqlExecutor, Statement } from "../../daemon/remote/executor.ts";
import { RemoteError } from "../../daemon/remote/remote.ts";

/** What goes wrong with the next request. `repeat`: it arrives twice, and the second answer is the one that comes. */
export type RequestFault = "drop-request" | "drop-answer" | "repeat" | "unauthorized" | null;

/** The remote's SQL on a SQLite database in memory: the same statements as on a server, without a server. */
export interface SqliteServer {
  /** As it is now: restoring puts another in its place. */
  readonly db: Database.Database;
  /** Everything in it, to be restored later. */
  backUp(): Buffer;
  /** @param backup null: an empty database takes its place */
  restore(backup: Buffer | null): void;
  /** Every request that arrived, by kind; scripts count as writes. */
  readonly requests: { read: number; write: number };
  /**
   * A connection of one machine.
   * @param intercept asked before each request reaches the server; what it does meanwhile happens first
   * @param afterwards runs when the server has done its work, before the answer arrives
   */
  connect(
    intercept?: (mode: "read" | "write") => RequestFault | Promise<RequestFault>,
    afterwards?: (mode: "read" | "write") => Promise<void> | void,
  ): SqlExecutor;
}

/** @param now the server's clock, ms since the epoch; the real one by default */
export function createSqliteServer(now: () => number = Date.now): SqliteServer {
  let db = open(null);
  const requests = { read: 0, write: 0 };

  function open(content: Buffer | null): Database.Database {
    const opened = new Database(content ?? ":memory:");
    // In place of SQLite's own: the remote's SQL asks for nothing but julianday('now').
    opened.function("julianday", { deterministic: false }, (_when) => now() / 86_400_000 + 2_440_587.5);
    return opened;
  }

  function run(statements: readonly Statement[]): Row[][] {
    return statements.map(({ sql, args }) => {
      const prepared = db.prepare(sql);
      if (!prepared.reader) {
        prepared.run(...toBindings(sql, args));
        return [];
      }
      return prepared.all(...toBindings(sql, args)) as Row[];
    });
  }

  return {
    get db() {
      return db;
    },
    backUp: () => db.serialize(),
    restore(backup) {
      db.close();
      db = open(backup);
    },
    requests,
    connect(intercept = () => null, afterwards = () => undefined) {
      /** Runs the work as a server would for this machine: it may never arrive, or its answer may never come back. */
      async function request<T>(mode: "read" | "write", work: () => T): Promise<T> {
        const fault = await intercept(mode);
        if (fault === "drop-request") throw lost();
        requests[mode] += 1;
        if (fault === "unauthorized")
          throw new RemoteError("unauthorized", "HD_REMOTE_UNAUTHORIZED", "no (injected)");
        if (fault === "repeat") refusingAsServer(work);
        const answer = refusingAsServer(work);
        await afterwards(mode);
        if (fault === "drop-answer") throw lost();
        return answer;
      }
      return {
        batch: (mode, statements) =>
          request(mode, () => {
            const transaction = db.transaction(() => run(statements));
            return mode === "write" ? transaction.immediate() : transaction.deferred();
          }),
        script: (sql) =>
          request("write", () => {
            try {
              db.exec(sql);
            } finally {
              if (db.inTransaction) db.exec("ROLLBACK");
            }
          }),
        close: () => undefined,
      };
    },
  };
}

/** better-sqlite3 takes the values of `?1` as an object with number keys, and those of `?` as a list. */
function toBindings(sql: string, args: Statement["args"]): unknown[] {
  if (!/\?\d/.test(sql)) return args;
  return [Object.fromEntries(args.map((value, index) => [index + 1, value]))];
}

function lost(): RemoteError {
  return new RemoteError("unreachable", "HD_REMOTE_UNREACHABLE", "the connection broke (injected)");
}

/** The errors that the libSQL adapter would make of what SQLite says. */
function refusingAsServer<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const guard = /^(HD_[A-Z_]+) (.*)/.exec((error as Error).message);
    if (guard) throw new RemoteError("guard", guard[1]!, guard[2]!, { cause: error });
    throw new RemoteError("rejected", "HD_REMOTE_REJECTED", (error as Error).message, { cause: error });
  }
}
