import type { Row, SqlExecutor } from "./executor.ts";
import { type PullAnswer, type PullRequest, type Remote, RemoteError } from "./remote.ts";
import {
  guardStatement,
  metaStatement,
  nodeStatement,
  pageStatement,
  readBackStatement,
  revStatement,
  rowToRecord,
  upsertStatement,
} from "./statements.ts";

/** One numbered file of migrations/remote. */
export interface RemoteMigration {
  version: number;
  file: string;
  sql: string;
}

/** The remote in SQL, over any executor. */
export function createSqlRemote(db: SqlExecutor, migrations: readonly RemoteMigration[]): Remote {
  async function schemaVersion(signal: AbortSignal): Promise<number> {
    const exists = { sql: "SELECT count(*) AS n FROM sqlite_master WHERE name = 'migrations'", args: [] };
    const [found] = await db.batch("read", [exists], signal);
    if (found?.[0]?.n === 0) return 0;
    const newest = { sql: "SELECT ifnull(max(version), 0) AS version FROM migrations", args: [] };
    const [rows] = await db.batch("read", [newest], signal);
    return rows?.[0]?.version as number;
  }

  async function apply(migration: RemoteMigration, signal: AbortSignal): Promise<void> {
    // The primary key of `migrations` is the lock: of all machines that start at once one inserts the number, and
    // the script of every other one stops there, before it has done anything.
    await db.script(
      `BEGIN IMMEDIATE;
       CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, file TEXT NOT NULL, applied_at TEXT NOT NULL);
       INSERT INTO migrations VALUES (${migration.version}, '${migration.file}', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
       ${migration.sql}
       COMMIT;`,
      signal,
    );
  }

  return {
    async prepare(signal) {
      let current = await schemaVersion(signal);
      for (const migration of migrations) {
        if (migration.version <= current) continue;
        try {
          await apply(migration, signal);
        } catch (error) {
          current = await schemaVersion(signal);
          if (migration.version > current) throw error;
        }
      }
    },

    async pull(request, signal) {
      const [meta, page] = await db.batch("read", [metaStatement(), pageStatement(request)], signal);
      return toPullAnswer(request, meta, page);
    },

    async exchange(request, push, signal) {
      const rows = await db.batch(
        "write",
        [
          guardStatement(push.epoch, request.cursor),
          metaStatement(),
          pageStatement(request),
          upsertStatement(push.records),
          readBackStatement(push.records),
          revStatement(),
          nodeStatement(push.node, request.cursor),
        ],
        signal,
      );
      return {
        ...toPullAnswer(request, rows[1], rows[2]),
        pushed: {
          revAfter: oneRow(rows[5]).rev as number,
          held: (rows[4] ?? []).map((row) => ({
            id: row.id as string,
            rev: row.rev as number,
            hlc: row.hlc as string,
          })),
        },
      };
    },

    close() {
      db.close();
    },
  };
}

function toPullAnswer(request: PullRequest, metaRows: Row[] | undefined, page: Row[] = []): PullAnswer {
  const meta = oneRow(metaRows);
  const bytes = (page.at(-1)?.bytes as number | undefined) ?? 0;
  return {
    epoch: meta.epoch as string,
    serverRev: meta.rev as number,
    serverTimeMs: meta.now as number,
    gcFloor: meta.gc_floor as number,
    minProtocol: meta.min_protocol as number,
    records: page.map(rowToRecord),
    complete: page.length < request.limit && bytes < request.maxBytes,
  };
}

function oneRow(rows: Row[] | undefined): Row {
  const row = rows?.[0];
  if (row === undefined) {
    throw new RemoteError(
      "rejected",
      "HD_REMOTE_DAMAGED",
      "the remote lacks a row it must have; its tables were changed by hand",
    );
  }
  return row;
}
