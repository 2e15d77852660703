import { randomBytes } from "node:crypto";
import path from "node:path";

/** Variables that say where things are. `HOME` is the last resort of all. */
export interface PathEnvironment {
  HISTORYD_HOME?: string | undefined;
  HISTORYD_SOCKET?: string | undefined;
  XDG_RUNTIME_DIR?: string | undefined;
  HOME?: string | undefined;
}

/** The folder of the daemon's files: `HISTORYD_HOME`, or `~/.mcp-terminal`. Absolute. */
export function resolveHome(env: PathEnvironment): string {
  if (env.HISTORYD_HOME) return path.resolve(env.HISTORYD_HOME);
  if (!env.HOME)
    throw new Error("neither HISTORYD_HOME nor HOME is set: set HISTORYD_HOME to a folder of yours");
  return path.join(path.resolve(env.HOME), ".mcp-terminal");
}

/**
 * The daemon's socket, first that is set: `HISTORYD_SOCKET`, `$XDG_RUNTIME_DIR/historyd/historyd.sock`,
 * `run/historyd.sock` in the home folder. Absolute. Daemon and clients resolve it alike, so that they meet.
 */
export function resolveSocket(env: PathEnvironment): string {
  if (env.HISTORYD_SOCKET) return path.resolve(env.HISTORYD_SOCKET);
  if (env.XDG_RUNTIME_DIR) return path.join(path.resolve(env.XDG_RUNTIME_DIR), "historyd", "historyd.sock");
  return path.join(resolveHome(env), "run", "historyd.sock");
}

/** Where clients leave entries while the daemon is away. */
export function spoolFolder(home: string): string {
  return path.join(home, "spool");
}

/** A name nobody has used, for a file of this process in the spool folder. */
export function spoolFileName(): string {
  return `client-${process.pid}-${randomBytes(8).toString("hex")}.jsonl`;
}

/** The variables of the running process: the default of clients that are given none. */
export function processEnvironment(): PathEnvironment {
  return process.env;
}
