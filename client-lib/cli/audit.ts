import type { Command } from "commander";
import type { AuditQuery } from "../protocol/audit.ts";
import { MAX_LIST_LIMIT } from "../protocol/limits.ts";
import { print, withClient } from "./command.ts";
import type { Cli, GlobalOptions } from "./context.ts";
import { defined } from "./input/defined.ts";
import { findEntryId } from "./input/entry-id.ts";
import { toNumber } from "./input/numbers.ts";
import { toTime } from "./input/times.ts";

const HELP = `
It says which fields were changed, by whom and where, and never their values.

Examples:
  historyctl audit --since today        what was changed today
  historyctl audit --record 9f1c03ab    what became of one entry
  historyctl audit --action purge --json`;

interface AuditOptions extends GlobalOptions {
  record?: string;
  action?: string;
  since?: number;
  limit: number;
  cursor?: string;
}

/** `historyctl audit`: who changed what. */
export function addAudit(program: Command, cli: Cli): Command {
  return program
    .command("audit")
    .description("show who changed, deleted, purged or resolved what, newest first")
    .option("--record <id>", "only of this entry; the end of its id, while it is not deleted")
    .option("--action <action>", "only edit, delete, restore, purge, resolve, delete_meets_edit, …")
    .option("--since <time>", "only from then on: 2h, 3d, 2026-03-01, epoch ms", toTime(cli.now))
    .option("--limit <number>", "at most so many", toNumber({ min: 1, max: MAX_LIST_LIMIT }), 20)
    .option("--cursor <cursor>", "go on after an earlier page, with the same filters")
    .addHelpText("after", HELP)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<AuditOptions>();
      const { record, action, since, limit, cursor } = options;
      const page = await withClient(cli, options, async (client) => {
        const id = record === undefined ? undefined : await findEntryId(client, record);
        return client.audit(defined<AuditQuery>({ record: id, action, since, limit, cursor }));
      });
      await print(cli, options, page, async ({ events }) => {
        if (events.length === 0) {
          const filtered = [record, action, since].some((filter) => filter !== undefined);
          return filtered ? "no change fits\n" : "nothing was changed\n";
        }
        const { renderAudit } = await import("./output/audit.ts");
        return renderAudit(events, cli.out, cli.now());
      });
      if (!options.json && page.next_cursor !== null) {
        cli.err.write(`there are more: add --cursor ${page.next_cursor}\n`);
      }
    });
}
