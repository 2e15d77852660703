import type { Command } from "commander";
import { print, withClient } from "./command.ts";
import type { Cli, GlobalOptions } from "./context.ts";

const HELP = `
Examples:
  historyctl sync verify         compare this machine with the remote: counts,
                                 digests and contents; nothing is changed
  historyctl sync verify --json && echo "everything is here"

The exit code is 0 where both hold the same, and 1 otherwise.`;

/** `historyctl sync verify`: is everything here? */
export function addSyncVerify(sync: Command, cli: Cli): Command {
  return sync
    .command("verify")
    .description("compare everything with the remote, and change nothing")
    .addHelpText("after", HELP)
    .showHelpAfterError("historyctl sync verify --help says more of it")
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const result = await withClient(cli, options, (client) =>
        client.reconcile({ content: true, repair: false }),
      );
      const { describeOutcome, renderReconciliation } = await import("./output/reconcile.ts");
      await print(cli, options, result, () => renderReconciliation(result, cli.out));
      if (result.outcome !== "equal") throw new Error(describeOutcome(result));
    });
}
