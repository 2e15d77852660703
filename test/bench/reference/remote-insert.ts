import { type Client, createClient } from "@libsql/client";
import { uuidv7 } from "uuidv7";
import { answerQuestions } from "../child.ts";
import { createPayloads } from "../payload.ts";

/**
 * `@libsql/client` alone, writing the same entries into a table without triggers or indexes.
 * - `batch`: all of them as one statement in one batch, the least that a server can be asked
 * - `single`: one statement after another, each waiting for the server
 * - a replica file makes it an embedded replica: writes go to the server, and `sync` brings them back
 */
const [url, replica] = process.argv.slice(2);
if (url === undefined) throw new Error("expected the address of a server, and maybe the path of a replica");

export interface InsertQuestion {
  readonly way: "batch" | "single";
  readonly entries: number;
}

const client: Client = createClient(
  replica === undefined ? { url } : { url: `file:${replica}`, syncUrl: url },
);
if (replica !== undefined) await client.sync();
await client.execute(
  "CREATE TABLE IF NOT EXISTS entries (id TEXT PRIMARY KEY, timestamp INTEGER, body TEXT)",
);

await answerQuestions(async (question) => {
  const { way, entries } = question as InsertQuestion;
  const rows = createPayloads(entries, 1).map((payload) => ({
    id: uuidv7(),
    timestamp: Date.now(),
    body: JSON.stringify(payload),
  }));
  const started = performance.now();
  if (way === "batch") {
    const sql =
      "INSERT INTO entries SELECT value ->> 'id', value ->> 'timestamp', value ->> 'body' FROM json_each(?)";
    await client.batch([{ sql, args: [JSON.stringify(rows)] }], "write");
  } else {
    for (const row of rows) {
      await client.execute({
        sql: "INSERT INTO entries VALUES (?, ?, ?)",
        args: [row.id, row.timestamp, row.body],
      });
    }
  }
  if (replica !== undefined) await client.sync();
  return performance.now() - started;
});
