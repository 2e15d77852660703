import type { Command } from "commander";
import { print, withClient } from "./command.ts";
import type { Cli, GlobalOptions } from "./context.ts";

const HELP = `
Examples:
  historyctl status                          everything on one screen
  historyctl status --json | jq .sync.state  for scripts
  historyctl status --socket /run/h.sock     of another daemon`;

/** `historyctl status`: everything about the daemon, on one screen. */
export function addStatus(program: Command, cli: Cli): Command {
  return program
    .command("status")
    .description("show what the daemon is doing, on one screen")
    .addHelpText("after", HELP)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const status = await withClient(cli, options, (client) => client.status());
      await print(cli, options, status, async () => {
        const { renderStatus } = await import("./output/status.ts");
        return renderStatus(status, cli.out, cli.now());
      });
    });
}
