import type { Command } from "commander";
import { print, withClient } from "./command.ts";
import type { Cli, GlobalOptions } from "./context.ts";
import { findEntry } from "./input/entry-id.ts";

const HELP = `
An entry is named by its id, or by the end of it that list and search show.

Examples:
  historyctl show 9f1c03ab
  historyctl show 0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33 --json
  historyctl show --json 9f1c03ab | jq -r .response`;

/** `historyctl show`: one entry with everything known of it. */
export function addShow(program: Command, cli: Cli): Command {
  return program
    .command("show")
    .description("show one entry with its answer")
    .argument("<id>", "its id, or the end of it")
    .addHelpText("after", HELP)
    .action(async (id: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const entry = await withClient(cli, options, (client) => findEntry(client, id));
      await print(cli, options, entry, async () => {
        const { renderEntry } = await import("./output/entry.ts");
        return renderEntry(entry, cli.out, cli.now());
      });
    });
}
