import type { SqlExecutor } from "./executor.ts";

/** One numbered file of migrations/remote. */
export interface RemoteMigration {
  version: number;
  file: string;
  sql: string;
}

/** Creates or migrates the shared tables where needed. */
export async function applyMigrations(
  db: SqlExecutor,
  migrations: readonly RemoteMigration[],
  signal: AbortSignal,
): Promise<void> {
  let current = await schemaVersion(db, signal);
  for (const migration of migrations) {
    if (migration.version <= current) continue;
    try {
      await apply(db, migration, signal);
    } catch (error) {
      current = await schemaVersion(db, signal);
      if (migration.version > current) throw error;
    }
  }
}

async function schemaVersion(db: SqlExecutor, signal: AbortSignal): Promise<number> {
  const exists = { sql: "SELECT count(*) AS n FROM sqlite_master WHERE name = 'migrations'", args: [] };
  const [found] = await db.batch("read", [exists], signal);
  if (found?.[0]?.n === 0) return 0;
  const newest = { sql: "SELECT ifnull(max(version), 0) AS version FROM migrations", args: [] };
  const [rows] = await db.batch("read", [newest], signal);
  return rows?.[0]?.version as number;
}

async function apply(db: SqlExecutor, migration: RemoteMigration, signal: AbortSignal): Promise<void> {
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
