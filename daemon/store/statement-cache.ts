import type { Statement } from "better-sqlite3";
import type { Db } from "./database.ts";

/** Prepared statements by their text, for queries whose conditions vary. */
export interface StatementCache {
  get<Row>(sql: string): Statement<unknown[], Row>;
}

/** More shapes of query than anyone uses at a time; past it the cache starts anew rather than grow without bound. */
const MAX_STATEMENTS = 200;

export function createStatementCache(db: Db): StatementCache {
  const statements = new Map<string, Statement>();
  return {
    get<Row>(sql: string) {
      let statement = statements.get(sql);
      if (statement === undefined) {
        if (statements.size >= MAX_STATEMENTS) statements.clear();
        statement = db.prepare(sql);
        statements.set(sql, statement);
      }
      return statement as Statement<unknown[], Row>;
    },
  };
}
