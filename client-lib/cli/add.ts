import { readFile } from "node:fs/promises";
import path from "node:path";
import { type Command, Option } from "commander";
import type { RecordResult } from "../client.ts";
import type { NewEntry } from "../protocol/entry.ts";
import { print, withClient } from "./command.ts";
import type { Cli, GlobalOptions } from "./context.ts";
import { defined } from "./input/defined.ts";
import { shortId } from "./input/entry-id.ts";
import { toExitCode, toNumber } from "./input/numbers.ts";
import { KINDS, SCOPES } from "./input/words.ts";

const HELP = `
Without a daemon the entry waits on disk until one runs; that is no error.

Examples:
  historyctl add --exit-code 0 --tag deploy -- systemctl restart nginx
  historyctl add --kind chat --response-file answer.md 'how to rotate logs?'
  tail -n 1 runbook.txt | historyctl add --note 'from the runbook' -`;

interface AddOptions extends GlobalOptions {
  response?: string;
  responseFile?: string;
  kind?: NonNullable<NewEntry["kind"]>;
  scope?: NonNullable<NewEntry["scope"]>;
  tag?: string[];
  note?: string;
  exitCode?: number;
  durationMs?: number;
  cwd?: string;
  session?: string;
  user?: string;
}

/** `historyctl add`: records an entry, with the daemon or for it. */
export function addAdd(program: Command, cli: Cli): Command {
  return program
    .command("add")
    .description("record a command, or a question and its answer")
    .argument(
      "<command...>",
      "the command, after -- where it has options of its own; - reads it from standard input",
    )
    .addOption(new Option("--response <text>", "the answer, or the output").conflicts("responseFile"))
    .option("--response-file <file>", "a file that has it; - for standard input")
    .addOption(new Option("--kind <kind>", "what it is; command by default").choices(KINDS))
    .addOption(new Option("--scope <scope>", "how far it may be seen; global by default").choices(SCOPES))
    .option("--tag <tag>", "a label; may be given again", (tag: string, tags: string[] | undefined) => [
      ...(tags ?? []),
      tag,
    ])
    .option("--note <text>", "a note of yours")
    .option("--exit-code <number>", "its exit status", toExitCode)
    .option("--duration-ms <number>", "how long it ran", toNumber({ min: 0, max: Number.MAX_SAFE_INTEGER }))
    .option("--cwd <folder>", "where it ran; the current folder by default")
    .option("--session <id>", "the shell or conversation it belongs to")
    .option("--user <name>", "who ran it; the daemon's user by default")
    .addHelpText("after", HELP)
    .action(async (words: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<AddOptions>();
      const fromInput = words.length === 1 && words[0] === "-";
      if (fromInput && options.responseFile === "-") {
        command.error("error: standard input can be the command or the answer, not both");
      }
      const text = fromInput ? (await cli.readInput()).replace(/\r?\n$/, "") : words.join(" ");
      if (text === "") command.error("error: the command is empty; expected at least one character");
      const entry = toEntry(text, await readResponse(cli, options), options, cli.cwd());
      const result = await withClient(cli, options, (client) => client.record(entry));
      await print(cli, options, result, describe);
      if (result.stored === "spool") {
        cli.err.write(
          "historyctl: historyd is not available, so the entry waits in the spool folder; historyd takes it in when it runs\n",
        );
      }
    });
}

async function readResponse(cli: Cli, { response, responseFile }: AddOptions): Promise<string | undefined> {
  if (responseFile === undefined) return response;
  return responseFile === "-" ? cli.readInput() : readFile(responseFile, "utf8");
}

function toEntry(command: string, response: string | undefined, options: AddOptions, here: string): NewEntry {
  return defined<NewEntry>({
    command,
    response,
    kind: options.kind,
    scope: options.scope,
    tags: options.tag,
    note: options.note,
    exit_code: options.exitCode,
    duration_ms: options.durationMs,
    cwd: options.cwd === undefined ? here : path.resolve(here, options.cwd),
    session_id: options.session,
    user: options.user,
  });
}

function describe(result: RecordResult): string {
  if (result.stored === "spool") return `spooled ${shortId(result.id)}\n`;
  return `recorded ${shortId(result.entry.id)}\n`;
}
