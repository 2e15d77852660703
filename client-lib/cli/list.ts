import type { Command } from "commander";
import type { ListQuery } from "../protocol/history.ts";
import { MAX_LIST_LIMIT } from "../protocol/limits.ts";
import { print, withClient } from "./command.ts";
import type { Cli, GlobalOptions } from "./context.ts";
import { defined } from "./input/defined.ts";
import { addFilters, type FilterOptions, toFilters } from "./input/filters.ts";

const HELP = `
Examples:
  historyctl list --cwd . --since today       run in this folder today
  historyctl list --exit-code 1 --user maria  what failed for maria
  historyctl list --json --limit 1000         for programs; its next_cursor is
                                              the --cursor of the next page`;

/** `historyctl list`: the newest entries. */
export function addList(program: Command, cli: Cli): Command {
  return addFilters(program.command("list"), cli, MAX_LIST_LIMIT)
    .description("list entries, newest first")
    .option("--cursor <cursor>", "go on after an earlier page, with the same filters")
    .addHelpText("after", HELP)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions & FilterOptions & { cursor?: string }>();
      const { cursor } = options;
      const page = await withClient(cli, options, (client) =>
        client.list(defined<ListQuery>({ ...toFilters(options), cursor })),
      );
      await print(cli, options, page, async ({ entries }) => {
        if (entries.length === 0) return "no entries\n";
        const { renderEntries } = await import("./output/entries.ts");
        return renderEntries(entries, cli.out, cli.now());
      });
      // Beside the answer: it is no entry, and a pipe does not want it.
      if (!options.json && page.next_cursor !== null) {
        cli.err.write(`there are more: add --cursor ${page.next_cursor}\n`);
      }
    });
}
