import type { PathEnvironment } from "../paths.ts";

/** What a command knows of the world. main.ts gives it the process's; tests give it theirs. */
export interface Cli {
  env: PathEnvironment;
  cwd: () => string;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** All of standard input. */
  readInput: () => Promise<string>;
  out: Output;
  err: { write: (text: string) => void };
}

export interface Output {
  write: (text: string) => void;
  /** Columns to fit into, or null where nothing needs to fit: a pipe or a file. */
  width: number | null;
  color: boolean;
}

/** The options that every command takes. */
export interface GlobalOptions {
  json?: boolean;
  socket?: string;
  home?: string;
  /** Seconds. */
  timeout?: number;
}
