import type { Db } from "../../daemon/store/database.ts";

/** The schema as text: what the migrations made, without what SQLite and FTS5 add by themselves. */
export function dumpSchema(db: Db): string {
  const statements = db
    .prepare<[], string>(
      `SELECT sql FROM sqlite_schema
       WHERE sql IS NOT NULL AND name NOT LIKE 'history\\_fts\\__%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
          OR type = 'trigger'
       ORDER BY type, name`,
    )
    .pluck()
    .all();
  return `${statements.join(";\n\n")};\n`;
}

/** Everything the database holds, to compare it with what it held before. */
export function dumpAll(db: Db): unknown {
  const schema = db.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name").all();
  const tables = db
    .prepare<[], string>(
      "SELECT name FROM pragma_table_list WHERE type IN ('table', 'shadow') AND schema = 'main'",
    )
    .pluck()
    .all();
  const rows = tables.toSorted().map((name) => [name, db.prepare(`SELECT * FROM "${name}"`).all()]);
  return { version: db.pragma("user_version", { simple: true }), schema, rows };
}
