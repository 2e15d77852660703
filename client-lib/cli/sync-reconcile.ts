import { type Command, Option } from "commander";
import { print, withClient } from "./command.ts";
import type { Cli, GlobalOptions } from "./context.ts";

const HELP = `
Examples:
  historyctl sync reconcile            compare, and mend what differs
  historyctl sync reconcile --content  contents too: slower, finds damage
  historyctl sync reconcile --log      what earlier comparisons found`;

interface ReconcileOptions extends GlobalOptions {
  content?: boolean;
  log?: boolean;
}

/** `historyctl sync reconcile`: compare and mend, or what was found before. */
export function addSyncReconcile(sync: Command, cli: Cli): Command {
  return sync
    .command("reconcile")
    .description("compare everything with the remote, and mend what differs")
    .option("--content", "compare contents too, not only revisions")
    .addOption(new Option("--log", "show earlier comparisons instead").conflicts("content"))
    .addHelpText("after", HELP)
    .showHelpAfterError("historyctl sync reconcile --help shows its options, with examples")
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ReconcileOptions>();
      const output = await import("./output/reconcile.ts");
      if (options.log) {
        const log = await withClient(cli, options, (client) => client.reconciliations());
        await print(cli, options, log, () =>
          output.renderReconciliations(log.reconciliations, cli.out, cli.now()),
        );
        return;
      }
      const content = options.content ?? false;
      const result = await withClient(cli, options, (client) => client.reconcile({ content, repair: true }));
      await print(cli, options, result, () => output.renderReconciliation(result, cli.out));
      if (result.outcome === "differs" || result.outcome === "failed")
        throw new Error(output.describeOutcome(result));
    });
}
