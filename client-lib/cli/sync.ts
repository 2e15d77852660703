import { type Command, Option } from "commander";
import type { Client } from "../client.ts";
import type { SyncAnswer } from "../protocol/sync.ts";
import { print, withClient } from "./command.ts";
import { addConflicts } from "./conflicts.ts";
import type { Cli, GlobalOptions } from "./context.ts";
import { addResolve } from "./resolve.ts";
import { createProgress } from "./output/progress.ts";
import { addSyncReconcile } from "./sync-reconcile.ts";
import { addSyncVerify } from "./sync-verify.ts";

const HELP = `
Examples:
  historyctl sync            send and receive now, and say what was done
  historyctl sync --wait     go on until the first sync is complete
  historyctl sync --status   when it last worked, what is queued, what is wrong
  historyctl sync verify     is everything here?
  historyctl sync conflicts  fields that two machines changed
  historyctl sync resolve    decide them
  historyctl sync --json     exit code 1 where it failed, for scripts`;

interface SyncOptions extends GlobalOptions {
  status?: boolean;
  wait?: boolean;
}

/** `historyctl sync`: a cycle now, or the state; and the commands for conflicts and comparisons. */
export function addSync(program: Command, cli: Cli): Command {
  const sync = program
    .command("sync")
    .description("synchronise with the team's database now")
    .addOption(new Option("--status", "show the state of sync instead").conflicts("wait"))
    .option("--wait", "on a new machine: go on until everything is here")
    .addHelpText("after", HELP)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<SyncOptions>();
      if (options.status) {
        const status = await withClient(cli, options, (client) => client.syncStatus());
        await print(cli, options, status, async () => {
          const { renderSyncStatus } = await import("./output/sync.ts");
          return renderSyncStatus(status, cli.out, cli.now());
        });
        return;
      }
      const answer = await withClient(cli, options, (client) => runCycles(client, cli, options));
      await print(cli, options, answer, async () => {
        const { renderCycle } = await import("./output/sync.ts");
        return renderCycle(answer);
      });
    });
  addConflicts(sync, cli);
  addResolve(sync, cli);
  addSyncVerify(sync, cli);
  addSyncReconcile(sync, cli);
  return sync;
}

/** One cycle, or as many as a first sync takes. @returns what they did together, and how things stand after the last */
async function runCycles(client: Client, cli: Cli, { wait }: SyncOptions): Promise<SyncAnswer> {
  const progress = createProgress(cli.err, "first sync");
  const show = ({ first_sync }: Pick<SyncAnswer, "first_sync">): void => {
    if (first_sync !== null) progress.show(first_sync.progress);
  };
  try {
    // A slice may take a while: what earlier ones did is shown meanwhile.
    if (cli.err.isTerminal) show(await client.syncStatus());
    let answer = await client.sync();
    show(answer);
    while (wait === true && answer.first_sync !== null) {
      answer = addUp(answer, await client.sync());
      show(answer);
    }
    return answer;
  } finally {
    progress.clear();
  }
}

function addUp(before: SyncAnswer, after: SyncAnswer): SyncAnswer {
  return {
    ...after,
    uploaded: before.uploaded + after.uploaded,
    downloaded: before.downloaded + after.downloaded,
    conflicts: before.conflicts + after.conflicts,
    requests: before.requests + after.requests,
    duration_ms: before.duration_ms + after.duration_ms,
  };
}
