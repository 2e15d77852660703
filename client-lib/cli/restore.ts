import type { Command } from "commander";
import { print, withClient } from "./command.ts";
import type { Cli, GlobalOptions } from "./context.ts";
import { shortId } from "./input/entry-id.ts";
import { findDeletedId } from "./input/deleted-id.ts";

const HELP = `
An entry is named by its id, or by the end of it that delete printed.

Examples:
  historyctl restore 9f1c03ab
  historyctl restore 0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33 --json`;

/** `historyctl restore`: undoes a delete. */
export function addRestore(program: Command, cli: Cli): Command {
  return program
    .command("restore")
    .description("undo the delete of an entry, within 30 days")
    .argument("<id>", "its id, or the end of it")
    .addHelpText("after", HELP)
    .action(async (id: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const entry = await withClient(cli, options, async (client) =>
        client.restore(await findDeletedId(client, id)),
      );
      await print(cli, options, entry, () => `restored ${shortId(entry.id)}\n`);
    });
}
