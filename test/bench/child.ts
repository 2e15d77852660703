import { fileURLToPath } from "node:url";
import { createInterface } from "node:readline";
import { type Running, startProcess } from "../support/processes.ts";
import type { Bench } from "./bench.ts";

/** A process of the benchmark's own that answers questions. */
export interface Child {
  readonly pid: number;
  /** @throws Error with what the child threw */
  ask<Answer>(question: object): Promise<Answer>;
}

/** Longer than any question takes; a child that hangs must still end the benchmark one day. */
const ANSWER_TIMEOUT_MS = 300_000;

/** Starts a compiled entry file with Node, in an environment of its own, and waits for the line `ready`. */
export async function startEntry(bench: Bench, entry: URL, args: readonly string[] = []): Promise<Running> {
  const file = fileURLToPath(entry);
  const running = await startProcess(process.execPath, [file, ...args], {
    env: { PATH: process.env["PATH"] },
  });
  bench.onEnd(file, async () => {
    await running.stop();
  });
  await running.waitForLine(/^ready$/);
  return running;
}

/** Starts an entry file that calls `answerQuestions`. */
export async function startChild(bench: Bench, entry: URL, args: readonly string[] = []): Promise<Child> {
  const running = await startEntry(bench, entry, args);
  let asked = 0;
  return {
    pid: running.pid,
    async ask<Answer>(question: object) {
      asked += 1;
      running.stdin.write(`${JSON.stringify({ number: asked, question })}\n`);
      const line = await running.waitForLine(new RegExp(`^\\{"number":${asked},.*$`), ANSWER_TIMEOUT_MS);
      const reply = JSON.parse(line[0]) as { answer: Answer } | { error: string };
      if ("error" in reply) throw new Error(reply.error);
      return reply.answer;
    },
  };
}

/** The other end: answers one question after another, a line of JSON each, until its input ends. */
export async function answerQuestions(answer: (question: unknown) => Promise<unknown>): Promise<void> {
  process.stdout.write("ready\n");
  for await (const line of createInterface({ input: process.stdin })) {
    const { number, question } = JSON.parse(line) as { number: number; question: unknown };
    const reply = await answer(question).then(
      (value) => ({ number, answer: value }),
      (error: unknown) => ({
        number,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
    );
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  }
}
