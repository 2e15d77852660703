import type { PathEnvironment } from "../paths.ts";

/** What a command knows of the world. main.ts gives it the process's; tests give it theirs. */
export interface Cli {
  env: PathEnvironment;
  cwd: () => string;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** All of standard input. */
  readInput: () => Promise<string>;
  /** Somebody who can be asked; null where input or output is no terminal. */
  terminal: Terminal | null;
  out: Output;
  err: {
    write: (text: string) => void;
    /** Somebody watches: a line may be drawn over. */
    isTerminal: boolean;
  };
}

export interface Terminal {
  /** The line that they typed; null where they ended the input (Ctrl-D, Ctrl-C). */
  ask: (question: string) => Promise<string | null>;
  /** Lets them edit a text in their editor; null where none is configured. */
  edit: ((text: string) => Promise<string>) | null;
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
