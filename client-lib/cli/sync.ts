import type { Command } from "commander";
import { print, withClient } from "./command.ts";
import type { Cli, GlobalOptions } from "./context.ts";

const HELP = `
Examples:
  historyctl sync            send and receive now, and say what was done
  historyctl sync --status   when it last worked, what is queued, what is wrong
  historyctl sync --json     exit code 1 where it failed, for scripts`;

/** `historyctl sync`: a cycle now, or the state. */
export function addSync(program: Command, cli: Cli): Command {
  return program
    .command("sync")
    .description("synchronise with the team's database now")
    .option("--status", "show the state of sync instead")
    .addHelpText("after", HELP)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions & { status?: boolean }>();
      if (options.status) {
        const status = await withClient(cli, options, (client) => client.syncStatus());
        await print(cli, options, status, async () => {
          const { renderSyncStatus } = await import("./output/sync.ts");
          return renderSyncStatus(status, cli.out, cli.now());
        });
        return;
      }
      const answer = await withClient(cli, options, (client) => client.sync());
      await print(cli, options, answer, async () => {
        const { renderCycle } = await import("./output/sync.ts");
        return renderCycle(answer);
      });
    });
}
