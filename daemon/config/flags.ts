import { parseArgs } from "node:util";
import type { ConfigSources } from "./config.ts";
import { ConfigError, type Setting } from "./setting.ts";
import { SETTINGS } from "./settings.ts";

export type Command = { kind: "run"; flags: ConfigSources["flags"] } | { kind: "help" } | { kind: "version" };

const flagged = Object.values(SETTINGS as Record<string, Setting<unknown>>).filter(
  (setting) => setting.flag !== undefined,
);

/** Reads the command line. @throws ConfigError for an unknown flag or a flag without its value */
export function parseFlags(args: string[]): Command {
  const names = ["home", "socket", ...flagged.map((setting) => setting.flag!)];
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args,
      strict: true,
      options: {
        help: { type: "boolean", short: "h" },
        version: { type: "boolean", short: "v" },
        ...Object.fromEntries(names.map((name) => [name, { type: "string" as const }])),
      },
    }));
  } catch (error) {
    throw new ConfigError(`${(error as Error).message}; historyd --help lists the flags`);
  }
  if (values.help) return { kind: "help" };
  if (values.version) return { kind: "version" };
  for (const name of ["home", "socket"]) {
    // A script's variable that is not set: the default would be somebody else's daemon.
    if (values[name] === "") throw new ConfigError(`--${name}: expected a path, got an empty text`);
  }
  const { home, socket, ...settings } = values as Record<string, string | undefined>;
  return { kind: "run", flags: { home, socket, settings } };
}

export function helpText(): string {
  const lines = flagged.map((setting) => `  --${setting.flag!.padEnd(20)} ${setting.help} (${setting.env})`);
  return `historyd: keeps this machine's history, and shares it with the team's other machines

Usage: historyd [flags]

It runs in the foreground until SIGTERM or SIGINT; a second signal ends it at once.

  --home                 folder of its files (HISTORYD_HOME; ~/.mcp-terminal)
  --socket               path of its socket (HISTORYD_SOCKET; $XDG_RUNTIME_DIR/historyd/historyd.sock)
${lines.join("\n")}
  --help, --version

Settings come from config.json in the home folder, then the environment, then flags; later wins.
Try it:  historyd &  then  historyctl status
`;
}
