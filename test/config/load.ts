import { ConfigError } from "../../daemon/config/setting.ts";
import { type Config, loadConfig } from "../../daemon/config/config.ts";
import { parseFlags } from "../../daemon/config/flags.ts";

const HOME = "/home/ana/.mcp-terminal";
export const FILE = `${HOME}/config.json`;

export interface Given {
  env?: Record<string, string>;
  /** The command line. */
  args?: string[];
  /** Content of config.json; what is no text is written as JSON. */
  file?: unknown;
  /** Other files by their path. */
  files?: Record<string, string>;
}

/** The configuration that comes of an environment, a command line and files, none of which is real. */
export function load(given: Given = {}): Config {
  const command = parseFlags(given.args ?? []);
  if (command.kind !== "run") throw new Error(`expected flags that start the daemon, got --${command.kind}`);
  const { file } = given;
  const files = given.files ?? {};
  return loadConfig({
    env: { HOME: "/home/ana", ...given.env },
    flags: command.flags,
    readFile: (path) => {
      if (path === FILE && file !== undefined) return typeof file === "string" ? file : JSON.stringify(file);
      return files[path] ?? null;
    },
    exists: (path) => Object.hasOwn(files, path),
  });
}

/** The one line that such a configuration stops the start with. @throws where it does not */
export function problemOf(given: Given): string {
  try {
    load(given);
  } catch (error) {
    if (error instanceof ConfigError && !error.message.includes("\n")) return error.message;
    throw error;
  }
  throw new Error("expected a ConfigError, got a configuration");
}
