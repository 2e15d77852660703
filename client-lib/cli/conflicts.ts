import type { Command } from "commander";
import { MAX_LIST_LIMIT } from "../protocol/limits.ts";
import { print, withClient } from "./command.ts";
import type { Cli, GlobalOptions } from "./context.ts";
import { toNumber } from "./input/numbers.ts";

const HELP = `
A conflict is a field that two machines changed to different values. The later
write was taken, and the other value kept; LOCAL and REMOTE are as seen from the
machine that merged them.

Examples:
  historyctl sync conflicts           what nobody has decided yet
  historyctl sync conflicts --all     what was decided as well
  historyctl sync conflicts --json | jq '.conflicts[].local_value'`;

/** `historyctl sync conflicts`: the fields that clashed. */
export function addConflicts(sync: Command, cli: Cli): void {
  sync
    .command("conflicts")
    .description("list conflicts, newest first")
    .option("--all", "also those that were resolved")
    .option("--limit <number>", "at most so many", toNumber({ min: 1, max: MAX_LIST_LIMIT }), 100)
    .addHelpText("after", HELP)
    .showHelpAfterError("historyctl sync conflicts --help shows its options, with examples")
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions & { all?: boolean; limit: number }>();
      const { all, limit } = options;
      const page = await withClient(cli, options, (client) =>
        client.conflicts({ state: all ? "all" : "open", limit }),
      );
      await print(cli, options, page, async ({ conflicts }) => {
        if (conflicts.length === 0) return all ? "no conflicts\n" : "no open conflicts\n";
        const { renderConflicts } = await import("./output/conflicts.ts");
        return renderConflicts(conflicts, cli.out, cli.now());
      });
      if (!options.json && page.next_cursor !== null) {
        cli.err.write("there are more: see --limit\n");
      }
    });
}
