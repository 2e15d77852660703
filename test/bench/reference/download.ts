import { rmSync } from "node:fs";
import { createClient } from "@libsql/client";
import Database from "better-sqlite3";
import { answerQuestions } from "../child.ts";

/**
 * `@libsql/client` and SQLite alone: the rows of a server's table, page by page, into one table without an index, each
 * page on disk before the next is asked for. What bringing a history to a machine costs at least.
 */
const [url, file] = process.argv.slice(2);
if (url === undefined || file === undefined)
  throw new Error("expected the address of a server and the path of a database");

const PAGE = 500;
const COLUMNS = [
  "id",
  "kind",
  "rev",
  "hlc",
  "scope",
  "user_id",
  "machine_id",
  "timestamp",
  "last_editor",
  "digest",
  "body",
];

const client = createClient({ url });

await answerQuestions(async () => {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${file}${suffix}`, { force: true });
  const db = new Database(file);
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.exec(`CREATE TABLE records (${COLUMNS.join(", ")})`);
  const insert = db.prepare(`INSERT INTO records VALUES (${COLUMNS.map(() => "?").join(", ")})`);
  const started = performance.now();
  let below = Number.MAX_SAFE_INTEGER;
  for (;;) {
    const { rows } = await client.execute({
      sql: `SELECT ${COLUMNS.join(", ")} FROM records WHERE rev < ? ORDER BY rev DESC LIMIT ${PAGE}`,
      args: [BigInt(below)],
    });
    db.transaction(() => {
      for (const row of rows) insert.run(COLUMNS.map((_, column) => row[column]));
    })();
    if (rows.length < PAGE) break;
    below = Number(rows.at(-1)!["rev"]);
  }
  const ms = performance.now() - started;
  db.close();
  return ms;
});
