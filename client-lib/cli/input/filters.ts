import path from "node:path";
import { type Command, Option } from "commander";
import type { ListQuery } from "../../protocol/history.ts";
import type { Cli } from "../context.ts";
import { defined } from "./defined.ts";
import { toExitCode, toNumber } from "./numbers.ts";
import { toTime } from "./times.ts";
import { KINDS, MODES } from "./words.ts";

type Filters = Omit<ListQuery, "cursor">;

/** The filters of list and search as commander gives them: an option's absence is a missing property. */
export interface FilterOptions {
  mode?: NonNullable<ListQuery["mode"]>;
  user?: string;
  machine?: string;
  session?: string;
  cwd?: string;
  kind?: NonNullable<ListQuery["kind"]>;
  tag?: string;
  exitCode?: number;
  since?: number;
  until?: number;
  limit: number;
}

/** A screenful. The API's own default is meant for programs. */
const SHOWN = 20;

/** Adds the filters that list and search share. */
export function addFilters(command: Command, cli: Cli, maxLimit: number): Command {
  return command
    .addOption(new Option("--mode <mode>", "whose history; the daemon's own mode by default").choices(MODES))
    .option("--user <name>", "only this user's")
    .option("--machine <id>", "only of this machine (historyctl status shows this one's id)")
    .option("--session <id>", "only of this shell or conversation")
    .option("--cwd <folder>", "only run in exactly this folder; '.' is the current one", (folder: string) =>
      path.resolve(cli.cwd(), folder),
    )
    .addOption(new Option("--kind <kind>", "only these").choices(KINDS))
    .option("--tag <tag>", "only with this tag")
    .option("--exit-code <number>", "only with this exit status", toExitCode)
    .option(
      "--since <time>",
      "only from then on: 2h, 3d, 2026-03-01, 2026-03-01T09:30, epoch ms",
      toTime(cli.now),
    )
    .option("--until <time>", "only before then, written alike", toTime(cli.now))
    .option("--limit <number>", "at most so many", toNumber({ min: 1, max: maxLimit }), SHOWN);
}

/** The filters as the API names them. */
export function toFilters(options: FilterOptions): Filters {
  const { mode, user, machine, session, cwd, kind, tag, exitCode, since, until, limit } = options;
  return defined<Filters>({
    mode,
    user,
    machine,
    session,
    cwd,
    kind,
    tag,
    exit_code: exitCode,
    since,
    until,
    limit,
  });
}
