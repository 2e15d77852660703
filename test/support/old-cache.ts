import { join } from "node:path";
import Database from "better-sqlite3";
import { readMigrations } from "../../daemon/store/migrate.ts";
import { cacheMigrations, stamp } from "./store.ts";

/** Makes the cache that an earlier version left in a folder: its schema, and one entry a command, still to be sent. */
export function makeOldCache(home: string, version: number, commands: readonly string[]): void {
  const db = new Database(join(home, "cache.db"));
  db.pragma("journal_mode = WAL");
  for (const { sql } of readMigrations(cacheMigrations).slice(0, version)) db.exec(sql);
  db.pragma(`user_version = ${version}`);
  db.exec(`
    INSERT INTO meta (key, value) VALUES ('incarnation', 'an-earlier-life');
    INSERT INTO machines (key, id) VALUES (1, 'earlier-machine');
  `);
  const add = db.prepare(`
    INSERT INTO history (id, kind, command, scope, machine, timestamp, created_at, editor, hlc)
    VALUES ($id, 'command', $command, 'global', 1, $time, $time, 1, $hlc)
  `);
  const queue = db.prepare("INSERT INTO outbox (kind, record_id, queued_at) VALUES ('history', ?, ?)");
  for (const [index, command] of commands.entries()) {
    const time = 1_700_000_000_000 + index;
    const id = `01890000-0000-7000-8000-${String(index).padStart(12, "0")}`;
    add.run({ id, command, time, hlc: stamp(time) });
    queue.run(id, time);
  }
  // Half of it is in the search index, as after a crash.
  db.exec(`
    INSERT INTO history_fts (rowid, command, response, note, tags)
      SELECT seq, command, response, note, tags FROM history WHERE seq <= ${commands.length >> 1};
    UPDATE search_index SET upto = ${commands.length >> 1};
  `);
  db.close();
}
