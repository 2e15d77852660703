/** A value that travels in a statement or a row. Integers go as bigint: a JavaScript number would travel as a float. */
export type SqlArg = string | bigint | Uint8Array | null;

export interface Statement {
  sql: string;
  args: SqlArg[];
}

/** A row by column name. Integers come as numbers, blobs as bytes. */
export type Row = Record<string, unknown>;

/** A database that runs statements together: the port beneath the SQL of `sql-remote.ts`. */
export interface SqlExecutor {
  /** Runs all statements in one transaction and one request; rows by statement. All or nothing. */
  batch(mode: "read" | "write", statements: Statement[], signal: AbortSignal): Promise<Row[][]>;
  /** Runs a script of statements up to the first that fails; what its transaction did is then undone. */
  script(sql: string, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** @param value a whole number */
export function toInteger(value: number): bigint {
  return BigInt(Math.trunc(value));
}
