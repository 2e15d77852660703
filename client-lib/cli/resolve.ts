import { type Command, Option } from "commander";
import type { Client } from "../client.ts";
import type { Conflict, Resolution } from "../protocol/conflict.ts";
import { withClient } from "./command.ts";
import type { Cli, GlobalOptions } from "./context.ts";
import { eachConflict, findConflicts } from "./input/conflict-id.ts";
import { parseFieldValue } from "./input/field-value.ts";
import { CHOICES } from "./input/words.ts";

const HELP = `
On a terminal it shows both versions of each open conflict and asks. Merge opens
$VISUAL or $EDITOR with both values. A conflict is named by its id, or by the
end of it that sync conflicts shows.

Examples:
  historyctl sync resolve                     one after another
  historyctl sync resolve 9f1c03ab            just this one
  historyctl sync resolve --auto              the last write, without asking
  historyctl sync resolve 9f1c03ab --choice local
  historyctl sync resolve 9f1c03ab --choice merge --value '["a","b"]'`;

interface ResolveOptions extends GlobalOptions {
  auto?: boolean;
  choice?: Resolution["choice"];
  value?: string;
}

/** `historyctl sync resolve`: decides conflicts, by asking or as the options say. */
export function addResolve(sync: Command, cli: Cli): void {
  sync
    .command("resolve")
    .description("decide conflicts: asks for each, on a terminal")
    .argument("[ids...]", "their ids, or the ends of them; all open ones by default")
    .option("--auto", "take the last write of each, without asking")
    .addOption(
      new Option("--choice <choice>", "what to take, without asking").choices(CHOICES).conflicts("auto"),
    )
    .option("--value <text>", "the merged value; JSON where the field is no text")
    .addHelpText("after", HELP)
    .showHelpAfterError("historyctl sync resolve --help shows its options, with examples")
    .action(async (ids: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ResolveOptions>();
      const problem = usageProblem(ids, options, cli);
      if (problem !== null) command.error(`error: ${problem}`);
      const { terminal } = cli;
      await withClient(cli, options, async (client) => {
        const conflicts = ids.length === 0 ? eachConflict(client, "open") : await findConflicts(client, ids);
        const decide = toDecision(client, options);
        if (decide !== null) {
          const { resolveAll } = await import("./resolve-all.ts");
          await resolveAll(cli, options, conflicts, decide);
        } else if (terminal !== null) {
          const { walkConflicts } = await import("./resolve-walk.ts");
          await walkConflicts(cli, terminal, client, conflicts);
        }
      });
    });
}

function usageProblem(ids: readonly string[], options: ResolveOptions, cli: Cli): string | null {
  const { auto, choice, value } = options;
  if (value !== undefined && choice !== "merge") return "--value goes with --choice merge";
  if (choice === "merge" && value === undefined) return "--choice merge needs the merged value: --value TEXT";
  if (choice === "merge" && ids.length > 1) return "--choice merge decides one conflict at a time";
  if (choice !== undefined && ids.length === 0) {
    return "--choice needs the id of a conflict; historyctl sync conflicts lists them";
  }
  if (auto || choice !== undefined) return null;
  if (cli.terminal === null) {
    return "there is no terminal to ask on; use --auto, or --choice with the id of a conflict";
  }
  return options.json ? "--json goes with --auto or --choice" : null;
}

/** How each conflict is decided without asking; null where somebody is to be asked. */
function toDecision(
  client: Client,
  { auto, choice, value = "" }: ResolveOptions,
): ((conflict: Conflict) => Promise<Conflict>) | null {
  if (choice === "merge") {
    return ({ id, field }) => client.resolveConflict(id, { choice, value: parseFieldValue(field, value) });
  }
  if (choice !== undefined) return ({ id }) => client.resolveConflict(id, { choice });
  if (!auto) return null;
  return async (conflict) => {
    const { takeLastWrite } = await import("./resolve-all.ts");
    return takeLastWrite(client, conflict);
  };
}
