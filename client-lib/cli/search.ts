import type { Command } from "commander";
import { MAX_SEARCH_LIMIT } from "../protocol/limits.ts";
import { print, withClient } from "./command.ts";
import type { Cli, GlobalOptions } from "./context.ts";
import { addFilters, type FilterOptions, toFilters } from "./input/filters.ts";

const HELP = `
Words match from their beginning, whatever their case and accents: configuracao
finds configuração. A phrase in double quotes matches as it stands; every other
character is text.

Examples:
  historyctl search postgres backup               both words, in any field
  historyctl search '"no space left"' --since 7d  the phrase, this week
  historyctl search --kind chat -- --no-pager     after -- everything is text`;

/** `historyctl search`: the entries that fit best. */
export function addSearch(program: Command, cli: Cli): Command {
  return addFilters(program.command("search"), cli, MAX_SEARCH_LIMIT)
    .description("find entries by their command, answer, note and tags, best first")
    .argument("<words...>", "what to look for")
    .addHelpText("after", HELP)
    .action(async (words: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions & FilterOptions>();
      const answer = await withClient(cli, options, (client) =>
        client.search({ q: words.join(" "), ...toFilters(options) }),
      );
      await print(cli, options, answer, async ({ results }) => {
        if (results.length === 0) return "nothing found\n";
        const { renderResults } = await import("./output/entries.ts");
        return renderResults(results, cli.out, cli.now());
      });
    });
}
