import type { Client } from "../client.ts";
import type { Conflict, Resolution } from "../protocol/conflict.ts";
import type { Cli, Terminal } from "./context.ts";
import { mergedValue } from "./input/merge.ts";
import { renderConflict } from "./output/conflict.ts";
import { renderDecision } from "./output/conflicts.ts";
import { escapeControls } from "./output/escape.ts";
import { formatCount } from "./output/quantities.ts";

const ANSWERS = { l: "local", r: "remote", m: "merge", s: "skip", q: "quit" } as const;
type Answer = (typeof ANSWERS)[keyof typeof ANSWERS];

/** Shows one conflict after another and does what is answered. What was decided stays, however the walk ends. */
export async function walkConflicts(
  cli: Cli,
  terminal: Terminal,
  client: Client,
  conflicts: Iterable<Conflict> | AsyncIterable<Conflict>,
): Promise<void> {
  let seen = 0;
  let resolved = 0;
  for await (const conflict of conflicts) {
    seen += 1;
    cli.out.write(`${seen > 1 ? "\n" : ""}${renderConflict(conflict, cli.out, cli.now())}`);
    const outcome = await decide(cli, terminal, client, conflict);
    if (outcome === "quit") break;
    if (outcome === "skip") continue;
    resolved += 1;
    cli.out.write(renderDecision(outcome, cli.out.width));
  }
  cli.out.write(
    seen === 0 ? "no open conflicts\n" : `resolved ${formatCount(resolved, "conflict", "conflicts")}\n`,
  );
}

/** Asks until there is an answer that works. */
async function decide(
  cli: Cli,
  terminal: Terminal,
  client: Client,
  conflict: Conflict,
): Promise<Conflict | "skip" | "quit"> {
  for (;;) {
    const answer = await ask(cli, terminal);
    if (answer === "skip" || answer === "quit") return answer;
    try {
      const resolution = await toResolution(terminal, conflict, answer);
      if (resolution !== null) return await client.resolveConflict(conflict.id, resolution);
    } catch (error) {
      const { code, message } = error as Error & { code?: unknown };
      // Nobody would hear the next answer either.
      if (code === "HD_UNAVAILABLE") throw error;
      cli.out.write(`${escapeControls(message)}\n`);
    }
  }
}

async function ask(cli: Cli, terminal: Terminal): Promise<Answer> {
  for (;;) {
    const line = await terminal.ask("[L]ocal, [R]emote, [M]erge, [S]kip, [Q]uit: ");
    if (line === null) {
      cli.out.write("\n");
      return "quit";
    }
    const word = line.trim().toLowerCase();
    const answer = Object.values(ANSWERS).find((each) => word !== "" && each.startsWith(word));
    if (answer !== undefined) return answer;
    cli.out.write("please answer with one of these letters\n");
  }
}

async function toResolution(
  terminal: Terminal,
  conflict: Conflict,
  answer: Resolution["choice"],
): Promise<Resolution | null> {
  if (answer !== "merge") return { choice: answer };
  const merged = await mergedValue(terminal, conflict);
  return merged === null ? null : { choice: "merge", value: merged.value };
}
