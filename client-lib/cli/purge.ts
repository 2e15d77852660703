import type { Command } from "commander";
import type { Client } from "../client.ts";
import { print, withClient } from "./command.ts";
import type { Cli, GlobalOptions } from "./context.ts";
import { findEntry, isWholeId, shortId } from "./input/entry-id.ts";
import { escapeControls } from "./output/escape.ts";
import { fit } from "./output/width.ts";

const HELP = `
Its command, answer, notes and everything else that was typed are erased, here
at once and on the other machines when they synchronise. Nothing undoes it. A
deleted entry needs its whole id.

Examples:
  historyctl purge 9f1c03ab        asks before it does
  historyctl purge 9f1c03ab --yes  does not ask, for scripts`;

/** As much of the command as tells which one it is. */
const SHOWN_WIDTH = 60;

/** `historyctl purge`: erases an entry's content, for good. */
export function addPurge(program: Command, cli: Cli): Command {
  return program
    .command("purge")
    .description("erase the content of an entry everywhere, for good")
    .argument("<id>", "its id, or the end of it")
    .option("--yes", "do not ask")
    .addHelpText("after", HELP)
    .action(async (id: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions & { yes?: boolean }>();
      if (!options.yes && cli.terminal === null) {
        command.error("error: there is no terminal to ask on; add --yes to purge without asking");
      }
      const purged = await withClient(cli, options, async (client) => {
        const whole = options.yes && isWholeId(id) ? id : await confirmed(cli, client, id, options.yes);
        return whole === null ? null : client.purge(whole);
      });
      if (purged === null) throw new Error("nothing was purged");
      await print(cli, options, purged, () => `purged ${shortId(purged.id)}\n`);
    });
}

/** The whole id, once somebody has seen what it is and agreed; null where they did not. */
async function confirmed(cli: Cli, client: Client, id: string, yes = false): Promise<string | null> {
  const entry = await findEntry(client, id);
  if (yes || cli.terminal === null) return entry.id;
  const command = fit(escapeControls(entry.command), SHOWN_WIDTH);
  const answer = await cli.terminal.ask(
    `Erase ${shortId(entry.id)} (${command}) on all machines, for good? Type yes: `,
  );
  return answer?.trim().toLowerCase() === "yes" ? entry.id : null;
}
