import { Command } from "commander";
import { addAdd } from "./add.ts";
import { addAudit } from "./audit.ts";
import type { Cli } from "./context.ts";
import { addDelete } from "./delete.ts";
import { toNumber } from "./input/numbers.ts";
import { addList } from "./list.ts";
import { escapeControls } from "./output/escape.ts";
import { addPurge } from "./purge.ts";
import { addRestore } from "./restore.ts";
import { addSearch } from "./search.ts";
import { addShow } from "./show.ts";
import { addStatus } from "./status.ts";
import { addSync } from "./sync.ts";

const HELP = `
Examples:
  historyctl status                    what the daemon is doing
  historyctl search backup --since 7d  what anybody ran or asked this week
  historyctl add --tag fix -- systemctl restart nginx

historyctl COMMAND --help shows the options of a command, with examples.

Exit codes:
  0  done
  1  refused by the daemon or the disk, not found, or the sync failed
  2  the command line is not understood
  3  the daemon is not running or does not answer`;

/** The whole command line. What a command needs beside its options is loaded when it runs. */
export function createProgram(cli: Cli, version: string): Command {
  const program = new Command("historyctl")
    .description("Looks into this machine's history daemon: what was run and asked, here and by the team.")
    .version(version, "-V, --version", "print the version")
    .option("--json", "print the API's answer, as one JSON document")
    .option("--socket <path>", "the daemon's socket (HISTORYD_SOCKET)")
    .option("--home <folder>", "the daemon's folder (HISTORYD_HOME; ~/.mcp-terminal)")
    .option(
      "--timeout <seconds>",
      "how long to wait for the daemon (5; 120 for sync, 600 to compare)",
      toNumber({ min: 0.001, max: 86_400, whole: false }),
    )
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .addHelpText("after", HELP)
    .configureHelp({
      showGlobalOptions: true,
      ...(cli.out.width === null ? {} : { helpWidth: cli.out.width }),
    })
    .configureOutput({
      writeOut: cli.out.write,
      writeErr: cli.err.write,
      outputError: (text, write) => {
        // Its hints ("Did you mean …?") come on a line of their own; ours are one line.
        const line = text
          .trim()
          .replace(/^error: /, "")
          .replaceAll("\n", " ");
        write(`historyctl: ${escapeControls(line)}\n`);
      },
    })
    .exitOverride()
    .showHelpAfterError("historyctl --help lists the commands and options");

  const commands = [
    addStatus,
    addList,
    addSearch,
    addShow,
    addAdd,
    addDelete,
    addRestore,
    addPurge,
    addAudit,
    addSync,
  ];
  for (const add of commands) {
    const command = add(program, cli);
    command.showHelpAfterError(`historyctl ${command.name()} --help shows its options, with examples`);
  }
  return program;
}
