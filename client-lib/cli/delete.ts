import type { Command } from "commander";
import { print, withClient } from "./command.ts";
import type { Cli, GlobalOptions } from "./context.ts";
import { findEntryId, shortId } from "./input/entry-id.ts";

const HELP = `
It disappears from lists and searches on every machine; historyctl restore
undoes that for 30 days, and historyctl purge erases its content for good.

Examples:
  historyctl delete 9f1c03ab
  historyctl delete 0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33 --json`;

/** `historyctl delete`: softly, everywhere. */
export function addDelete(program: Command, cli: Cli): Command {
  return program
    .command("delete")
    .description("delete an entry; restore undoes it for 30 days")
    .argument("<id>", "its id, or the end of it")
    .addHelpText("after", HELP)
    .action(async (id: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const entry = await withClient(cli, options, async (client) =>
        client.remove(await findEntryId(client, id)),
      );
      await print(
        cli,
        options,
        entry,
        () => `deleted ${shortId(entry.id)}; historyctl restore ${shortId(entry.id)} undoes it\n`,
      );
    });
}
