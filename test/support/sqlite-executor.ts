import Database from "better-sqlite3";
import type { Row, SqlExecutor, Statement } from "../../daemon/remote/executor.ts";
import { RemoteError } from "../../daemon/remote/remote.ts";

/** What goes wrong with the next request. */
export type RequestFault = "drop-request" | "drop-answer" | null;

/** The remote's SQL on a SQLite database in memory: the same statements as on a server, without a server. */
export interface SqliteServer {
  readonly db: Database.Database;
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

export function createSqliteServer(): SqliteServer {
  const db = new Database(":memory:");
  const requests = { read: 0, write: 0 };

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
    db,
    requests,
    connect(intercept = () => null, afterwards = () => undefined) {
      /** Runs the work as a server would for this machine: it may never arrive, or its answer may never come back. */
      async function request<T>(mode: "read" | "write", work: () => T): Promise<T> {
        const fault = await intercept(mode);
        if (fault === "drop-request") throw lost();
        requests[mode] += 1;
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
