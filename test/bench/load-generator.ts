import { uuidv7 } from "uuidv7";
import { answerQuestions } from "./child.ts";
import { connect, type Connection, toRequest } from "./connection.ts";
import type { LoadJob, LoadResult, Work } from "./load.ts";
import { createPayloads } from "./payload.ts";

/** Different bodies in turn; made once, as making them is no part of what is measured. */
const BODIES = 2000;
const SEED = 1;

await answerQuestions((job) => runJob(job as LoadJob));

async function runJob(job: LoadJob): Promise<LoadResult> {
  const connections = await Promise.all(Array.from({ length: job.clients }, () => connect(job.socket)));
  try {
    const nextRequest = createRequests(job.work);
    await runPhase(connections, nextRequest, job.expect, { requests: job.warmup });
    const started = performance.now();
    const latenciesMs = await runPhase(connections, nextRequest, job.expect, job.until);
    return { latenciesMs, elapsedMs: performance.now() - started };
  } finally {
    for (const connection of connections) connection.close();
  }
}

async function runPhase(
  connections: readonly Connection[],
  nextRequest: () => string,
  expect: number,
  until: LoadJob["until"],
): Promise<number[]> {
  const latenciesMs: number[] = [];
  const deadline = "ms" in until ? performance.now() + until.ms : Number.POSITIVE_INFINITY;
  let left = "requests" in until ? until.requests : Number.POSITIVE_INFINITY;
  await Promise.all(
    connections.map(async (connection) => {
      while (left > 0 && performance.now() < deadline) {
        left -= 1;
        const request = nextRequest();
        const sent = performance.now();
        const answer = await connection.exchange(request);
        // A thousandth of a millisecond is enough, and keeps the answer to our parent short.
        latenciesMs.push(Math.round((performance.now() - sent) * 1000) / 1000);
        if (answer.status !== expect) {
          throw new Error(`expected status ${expect}, got ${answer.status}: ${answer.text().slice(0, 500)}`);
        }
      }
    }),
  );
  return latenciesMs;
}

function createRequests(work: Work): () => string {
  let index = 0;
  if (work.kind === "read") {
    const requests = work.paths.map((path) => toRequest("GET", path));
    return () => requests[index++ % requests.length]!;
  }
  // All ids are of one length, so that a request is its id between two pieces that are known beforehand.
  const placeholder = uuidv7();
  const pieces = createPayloads(BODIES, SEED).map((payload) =>
    toRequest("POST", work.path, JSON.stringify({ id: placeholder, ...payload })).split(placeholder),
  );
  return () => {
    const [before, after] = pieces[index++ % BODIES]!;
    return `${before}${uuidv7()}${after}`;
  };
}
