import { performance } from "node:perf_hooks";
import type { NewEntry } from "../../client-lib/protocol/entry.ts";
import { type Answer, startDaemon, type TestDaemon } from "../support/daemon.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { waitFor } from "../support/processes.ts";
import { startSqld } from "../support/sqld.ts";
import { readOwnHistory } from "./own-history.ts";
import { createSteps } from "./steps.ts";

/**
 * Shows the main job from end to end: two machines, each with a daemon and a home of its own in a temporary folder,
 * share one real libSQL server; one of them loses its network and finds it again.
 *
 * `--keep` leaves everything running, to try things by hand, until Ctrl-C.
 */
const keep = process.argv.includes("--keep");

const closers: (() => Promise<void>)[] = [];
const steps = createSteps(
  (line) => process.stdout.write(`${line}\n`),
  (text) => process.stderr.write(text),
  process.stderr.isTTY,
);

async function cleanUp(): Promise<void> {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    void cleanUp().then(() => process.exit(keep ? 0 : 130));
  });
}

try {
  await run();
} catch (error) {
  process.stderr.write(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
await cleanUp();

async function run(): Promise<void> {
  const started = performance.now();
  steps.heading("historyd demo: two machines, one memory");
  const parts = await start();
  const { a, b, cutOff, reconnect } = parts;

  steps.heading("Machine A remembers");
  const { machine } = await ask(a, "GET", "/v1/status");
  let imported = 0;
  await steps.step("importing shell history, read-only", async (progress) => {
    const { source, entries, skipped } = await readOwnHistory(process.env, machine.id as string);
    for (let from = 0; from < entries.length; from += 500) {
      progress(`${from} of ${entries.length}`);
      await ask(a, "POST", "/v1/history/batch", { entries: entries.slice(from, from + 500) });
    }
    imported = entries.length;
    return `imported ${imported} commands from ${source}${skipped > 0 ? ` (${skipped} lines skipped)` : ""}`;
  });
  const answer: NewEntry = {
    kind: "chat",
    command: "Como libero espaço em disco no /var sem apagar configuração?",
    response: "Comece por `journalctl --vacuum-size=200M`, depois `apt-get clean`.",
    tags: ["disco"],
  };
  await steps.step("recording an answer of the assistant", async () => {
    await ask(a, "POST", "/v1/history", answer);
    return "recorded an answer of the chat assistant, durably, without asking the network";
  });

  steps.heading("Machine B learns it");
  await steps.step("A sends", async () => {
    const { uploaded, requests } = await ask(a, "POST", "/v1/sync");
    return `A sent ${uploaded} records in ${requests} requests`;
  });
  await steps.step("B receives", async () => {
    const { downloaded } = await ask(b, "POST", "/v1/sync");
    return `B received ${downloaded} records`;
  });
  await steps.step("B searches", async () => {
    const { results } = await ask(b, "GET", `/v1/search?q=${encodeURIComponent("espaco configuracao")}`);
    const found = results.find(({ command }: { command: string }) => command === answer.command);
    if (found === undefined) throw new Error("B did not find the answer that A recorded");
    return `B searched "espaco configuracao" and found: ${shorten(found.command, 30)}`;
  });

  steps.heading("Machine A loses its network, and nobody notices");
  await cutOff();
  const offline: NewEntry = { command: "systemctl restart nginx  # recorded while offline", exit_code: 0 };
  await steps.step("A records while offline", async () => {
    await ask(a, "POST", "/v1/history", offline);
    await waitFor(async () => (await ask(a, "GET", "/v1/sync")).state === "offline", { what: "A to notice" });
    const { pending, state } = await ask(a, "GET", "/v1/sync");
    return `A is ${state} and keeps ${pending} record for later`;
  });
  await reconnect();
  await steps.step("A drains its queue by itself", async () => {
    await waitFor(async () => (await ask(a, "GET", "/v1/stats")).cache.pending === 0, {
      what: "A's queue to drain",
      timeoutMs: 20_000,
    });
    return "the network is back, and A's queue drained by itself";
  });
  await steps.step("B receives it", async () => {
    await ask(b, "POST", "/v1/sync");
    const { entries } = await ask(b, "GET", "/v1/history?limit=1000");
    if (!entries.some(({ command }: { command: string }) => command === offline.command)) {
      throw new Error("B did not receive what A recorded while it was offline");
    }
    return "B has it";
  });

  const [onA, onB] = [(await ask(a, "GET", "/v1/stats")).cache, (await ask(b, "GET", "/v1/stats")).cache];
  steps.heading(
    `Machine A has ${onA.synced} entries synced, ${onA.pending} pending; machine B has ${onB.synced} and ${onB.pending}.`,
  );
  if (onA.synced !== onB.synced || onA.synced !== imported + 2 || onA.pending + onB.pending > 0) {
    throw new Error("the two machines differ");
  }
  process.stdout.write(`Done in ${((performance.now() - started) / 1000).toFixed(1)} s.\n`);
  if (keep) await stay(parts);
}

interface Parts {
  a: TestDaemon;
  b: TestDaemon;
  cutOff: () => Promise<void>;
  reconnect: () => Promise<void>;
}

async function start(): Promise<Parts> {
  const parts: Partial<Parts> = {};
  await steps.step("starting a libSQL server", async () => {
    const sqld = await startSqld();
    closers.push(sqld.close);
    // A's cable: what goes wrong with it goes wrong for A alone.
    const cable = await startFaultProxy({ targetPort: sqld.port });
    closers.push(cable.close);
    parts.cutOff = () => cable.set("refuse");
    parts.reconnect = () => cable.set("pass");
    parts.b = await machine(sqld.url);
    parts.a = await machine(cable.url);
    return `started a libSQL server on ${sqld.url}, and two machines`;
  });
  return parts as Parts;

  async function machine(remote: string): Promise<TestDaemon> {
    const daemon = await startDaemon({
      env: { TURSO_DATABASE_URL: remote, HISTORYD_SYNC_INTERVAL_MS: "1000" },
    });
    closers.push(daemon.close);
    return daemon;
  }
}

/** One request that must succeed. */
async function ask(
  daemon: TestDaemon,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer["body"]> {
  const answer = await daemon.request(method, path, body);
  if (answer.status >= 400) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** Prints what to try, and waits for a signal. */
async function stay({ a, b }: Parts): Promise<void> {
  const json = "-H 'content-type: application/json'";
  process.stdout.write(`
Both machines keep running. Try, in another terminal:

  A=${a.socket}
  B=${b.socket}
  curl -s --unix-socket $A http://historyd/v1/status
  curl -s --unix-socket $A http://historyd/v1/history ${json} -d '{"command":"uptime"}'
  curl -s --unix-socket $B -X POST http://historyd/v1/sync
  curl -s --unix-socket $B 'http://historyd/v1/search?q=uptime'
  sqlite3 ${b.home}/cache.db 'SELECT count(*) FROM history_cache'
  HISTORYD_SOCKET=$A node dist/client-lib/cli/main.js list

Ctrl-C ends everything and removes the folders.
`);
  await new Promise(() => undefined);
}

function shorten(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters - 1)}…`;
}
