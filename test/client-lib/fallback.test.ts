import { once } from "node:events";
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type Client, type ClientOptions, createClient, type Entry } from "../../client-lib/index.ts";
import { bareEnv, startDaemon, type TestDaemon } from "../support/daemon.ts";
import { waitFor } from "../support/processes.ts";
import { tempDir } from "../support/temp.ts";
import { answerJson, fakeDaemon, refuse } from "./fake-daemon.ts";

function newHome(): string {
  const { path: home, remove } = tempDir("fb");
  onTestFinished(remove);
  return home;
}

function newClient(options: ClientOptions): Client {
  const client = createClient(options);
  onTestFinished(client.close);
  return client;
}

async function start(home: string): Promise<TestDaemon> {
  const daemon = await startDaemon({ home });
  onTestFinished(daemon.close);
  return daemon;
}

/** All entries, when the daemon has read every line of the spool. */
async function takenIn(daemon: TestDaemon, taken: number, rejected = 0): Promise<Entry[]> {
  const client = createClient({ env: daemon.env });
  await waitFor(
    async () => {
      const { spool } = await client.status();
      return spool.taken === taken && spool.rejected === rejected;
    },
    { what: `${taken} entries taken in from the spool` },
  );
  const { entries } = await client.list({ limit: 1000 });
  await client.close();
  return entries;
}

const linesIn = (home: string): string[] =>
  readdirSync(path.join(home, "spool"))
    .filter((name) => name.endsWith(".jsonl"))
    .flatMap((name) =>
      readFileSync(path.join(home, "spool", name), "utf8")
        .split("\n")
        .filter(Boolean),
    );

/**
 * Leaves an entry behind all others: files are read in the order of their names, so that when it was taken in, every
 * line before it has been looked at.
 */
function leaveLast(home: string): void {
  appendFileSync(path.join(home, "spool", "z.jsonl"), '{"v":1,"entry":{"command":"last"}}\n');
}

test("without a daemon entries wait in the spool, with their id and time, and arrive once", async () => {
  const home = newHome();
  const client = newClient({ env: bareEnv(home) });
  const before = Date.now();
  const one = await client.record({ command: "one" });
  const batch = await client.recordBatch([{ command: "two" }, { command: "three" }]);
  const after = Date.now();
  expect(one).toMatchObject({ stored: "spool" });
  expect(batch).toMatchObject({ stored: "spool" });
  await expect(client.list()).rejects.toMatchObject({ code: "HD_UNAVAILABLE" });

  const daemon = await start(home);
  const entries = await takenIn(daemon, 3);
  expect(entries.map(({ command }) => command)).toEqual(["three", "two", "one"]);
  expect(entries.map(({ id }) => id).toReversed()).toEqual([
    one.stored === "spool" && one.id,
    ...(batch.stored === "spool" ? batch.ids : []),
  ]);
  for (const { timestamp } of entries) {
    expect(timestamp).toBeGreaterThanOrEqual(before);
    expect(timestamp).toBeLessThanOrEqual(after);
  }
  expect(await client.record({ command: "four" })).toMatchObject({ stored: "daemon" });
  // The next daemon does not take them in again.
  await daemon.stop();
  leaveLast(home);
  expect(await takenIn(await start(home), 1)).toHaveLength(5);
});

test("a thousand entries through the spool, taken in while they are written", async () => {
  const home = newHome();
  const client = newClient({ env: bareEnv(home, { HISTORYD_SOCKET: path.join(home, "nobody") }) });
  const record = (from: number, to: number): Promise<unknown[]> =>
    Promise.all(
      Array.from({ length: to - from }, (_, index) => client.record({ command: `command ${from + index}` })),
    );
  await record(0, 500);
  const daemon = await start(home);
  await record(500, 1000);
  const commands = (await takenIn(daemon, 1000)).map(({ command }) => command);
  expect(new Set(commands)).toEqual(new Set(Array.from({ length: 1000 }, (_, index) => `command ${index}`)));
  expect(commands).toHaveLength(1000);
});

/** Stands between client and daemon, and calls back with an answer instead of passing it on. */
async function swallowAnswers(target: string, onAnswer: () => Promise<unknown>): Promise<string> {
  const folder = tempDir("sw");
  const socket = path.join(folder.path, "s");
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const daemon = connect(target);
    for (const one of [client, daemon]) open.add(one.on("error", () => undefined));
    client.pipe(daemon);
    daemon.once("data", () => void onAnswer().then(() => client.destroy()));
  });
  server.listen(socket);
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    for (const one of open) one.destroy();
    folder.remove();
  });
  return socket;
}

test("an entry whose answer was lost is stored once", async () => {
  const home = newHome();
  const daemon = await start(home);
  const socket = await swallowAnswers(daemon.socket, async () => undefined);
  const client = newClient({ socket, home, env: {} });
  const one = await client.record({ command: "one", tags: ["a"], context: { a: 1 }, response: null });
  const two = await client.recordBatch([{ command: "two" }, { command: "three" }]);
  expect([one.stored, two.stored]).toEqual(["spool", "spool"]);
  leaveLast(home);
  const commands = (await takenIn(daemon, 1)).map(({ command }) => command);
  expect(commands).toEqual(["last", "three", "two", "one"]);
});

test("an entry whose daemon is killed between its commit and its answer is stored once", async () => {
  const home = newHome();
  const first = await start(home);
  const socket = await swallowAnswers(first.socket, () => first.kill());
  const client = newClient({ socket, home, env: {} });
  const result = await client.record({ command: "one" });
  expect(result.stored).toBe("spool");
  expect(linesIn(home)).toHaveLength(1);
  leaveLast(home);
  const entries = await takenIn(await start(home), 1);
  expect(entries.map(({ command }) => command)).toEqual(["last", "one"]);
  expect(entries[1]?.id).toBe(result.stored === "spool" && result.id);
});

test("a daemon that does not answer in time: the spool takes the entry", async () => {
  const home = newHome();
  const stalled = await fakeDaemon(() => undefined);
  const client = newClient({ socket: stalled.socket, home, env: {}, timeoutMs: 30 });
  expect(await client.record({ command: "one" })).toMatchObject({ stored: "spool" });
  const [line = ""] = linesIn(home);
  // What was sent and what was spooled are the same entry.
  expect((JSON.parse(line) as { entry: unknown }).entry).toEqual(JSON.parse(stalled.received[0]?.body ?? ""));
});

test("a stopped daemon is given up, and has the entry once when it goes on", async () => {
  const home = newHome();
  const daemon = await start(home);
  const client = newClient({ env: daemon.env, timeoutMs: 100 });
  daemon.process.signal("SIGSTOP");
  expect(await client.record({ command: "one" })).toMatchObject({ stored: "spool" });
  daemon.process.signal("SIGCONT");
  leaveLast(home);
  const other = newClient({ env: daemon.env });
  const commands = async (): Promise<string[]> => (await other.list()).entries.map(({ command }) => command);
  await waitFor(async () => (await commands()).length >= 2, { what: "both entries" });
  // Whatever else was under way is finished by a stop.
  await daemon.stop();
  leaveLast(home);
  const entries = await takenIn(await start(home), 1);
  expect(entries.map(({ command }) => command).toSorted()).toEqual(["last", "last", "one"]);
});

test.for(["HD_STORAGE", "HD_STOPPING"])(
  "a daemon that answers 503 %s: the spool takes the entry",
  async (code) => {
    const refusing = await fakeDaemon((_, to) => refuse(to, 503, code));
    const client = newClient({ socket: refusing.socket, home: newHome(), env: {} });
    expect(await client.record({ command: "one" })).toMatchObject({ stored: "spool" });
  },
);

test.for([
  [400, "HD_INVALID"],
  [409, "HD_ID_TAKEN"],
  [413, "HD_TOO_LARGE"],
  [500, "HD_INTERNAL"],
] as const)(
  "a daemon that answers %i %s: the caller is told, the spool is not used",
  async ([statusCode, code]) => {
    const home = newHome();
    const refusing = await fakeDaemon((_, to) => refuse(to, statusCode, code));
    const client = newClient({ socket: refusing.socket, home, env: {} });
    const refused = { name: "ApiError", statusCode, code };
    await expect(client.record({ command: "one" })).rejects.toMatchObject(refused);
    await expect(client.recordBatch([{ command: "one" }])).rejects.toMatchObject(refused);
    expect(readdirSync(home)).toEqual([]);
  },
);

test("a caller that gives up gets its own reason, and nothing is spooled", async () => {
  const home = newHome();
  const stalled = await fakeDaemon(() => undefined);
  const client = newClient({ socket: stalled.socket, home, env: {} });
  const reason = new Error("enough");
  const giveUp = new AbortController();
  const recording = client.record({ command: "one" }, { signal: giveUp.signal });
  giveUp.abort(reason);
  await expect(recording).rejects.toBe(reason);
  expect(readdirSync(home)).toEqual([]);
});

test("where neither daemon nor disk takes an entry, the error says so", async () => {
  const home = newHome();
  writeFileSync(path.join(home, "spool"), "");
  const client = newClient({ env: bareEnv(home) });
  await expect(client.record({ command: "one" })).rejects.toMatchObject({
    name: "SpoolError",
    code: "HD_SPOOL",
  });
  rmSync(path.join(home, "spool"));
  expect(await client.record({ command: "one" })).toMatchObject({ stored: "spool" });
});

test("a torn line is set aside, and swallows no other", async () => {
  const home = newHome();
  mkdirSync(path.join(home, "spool"), { mode: 0o700 });
  appendFileSync(
    path.join(home, "spool", "client-1-dead.jsonl"),
    '{"v":1,"entry":{"command":"good"}}\n{"v":1,"ent',
  );
  const client = newClient({ env: bareEnv(home) });
  await client.record({ command: "mine" });
  const entries = await takenIn(await start(home), 2);
  expect(entries.map(({ command }) => command).toSorted()).toEqual(["good", "mine"]);
});

test("closing waits for what is being recorded", async () => {
  let answerTo: ServerResponse | undefined;
  const slow = await fakeDaemon((_, to) => {
    answerTo = to;
  });
  const client = createClient({ socket: slow.socket, home: newHome(), env: {} });
  const recording = client.record({ command: "one" });
  const to = await waitFor(() => answerTo);
  const closing = client.close();
  answerJson(to, 201, { id: "x" });
  expect(await recording).toEqual({ stored: "daemon", entry: { id: "x" }, created: true });
  await closing;
});
