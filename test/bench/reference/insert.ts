import Database from "better-sqlite3";
import { uuidv7 } from "uuidv7";
import { answerQuestions } from "../child.ts";
import { createPayloads } from "../payload.ts";

/** SQLite alone: one row at a time into a table without an index, every one on disk before the next. */
const [file] = process.argv.slice(2);
if (file === undefined) throw new Error("expected the path of a database");

const db = new Database(file);
db.pragma("journal_mode = WAL");
db.pragma("synchronous = FULL");
db.exec(`
  CREATE TABLE entries (
    seq INTEGER PRIMARY KEY, id TEXT, kind TEXT, command TEXT, response TEXT, cwd TEXT, shell TEXT, session_id TEXT,
    exit_code INTEGER, duration_ms INTEGER, timestamp INTEGER
  ) STRICT
`);
const insert = db.prepare(`
  INSERT INTO entries (id, kind, command, response, cwd, shell, session_id, exit_code, duration_ms, timestamp)
  VALUES (@id, @kind, @command, @response, @cwd, @shell, @session_id, @exit_code, @duration_ms, @timestamp)
`);
const payloads = createPayloads(2000, 1);
let inserted = 0;

await answerQuestions((question) => {
  const { requests } = question as { requests: number };
  const latenciesMs = Array.from({ length: requests }, () => {
    const row = {
      response: null,
      ...payloads[inserted++ % payloads.length],
      id: uuidv7(),
      timestamp: Date.now(),
    };
    const started = performance.now();
    insert.run(row);
    return performance.now() - started;
  });
  return Promise.resolve(latenciesMs);
});
