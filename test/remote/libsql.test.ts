import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { createLibsqlExecutor, type LibsqlOptions } from "../../daemon/remote/libsql.ts";
import { readToken } from "../../daemon/remote/token.ts";
import { type PullRequest, RemoteError } from "../../daemon/remote/remote.ts";
import { createSqlRemote } from "../../daemon/remote/sql-remote.ts";
import { readMigrations } from "../../daemon/store/migrate.ts";
import { type Fault, type FaultProxy, startFaultProxy } from "../support/fault-proxy.ts";
import { type Sqld, startSqld } from "../support/sqld.ts";

const migrations = readMigrations(join(import.meta.dirname, "../../migrations/remote"));
const PULL: PullRequest = {
  cursor: 0,
  page: { records: 10, bytes: 1_000_000 },
  selection: { machineId: "m", user: null, scopes: null, kinds: null, since: null },
  mark: null,
};

let sqld: Sqld;
let proxy: FaultProxy;
beforeAll(async () => {
  sqld = await startSqld();
  proxy = await startFaultProxy({ targetPort: sqld.port });
});
afterAll(async () => {
  await proxy.close();
  await sqld.close();
});

const never = () => new AbortController().signal;

function executor(options: Partial<LibsqlOptions> = {}) {
  const made = createLibsqlExecutor({ url: proxy.url, token: () => null, timeoutMs: 5000, ...options });
  onTestFinished(() => {
    made.close();
  });
  return made;
}

async function errorOf(work: Promise<unknown>): Promise<RemoteError> {
  const error: unknown = await work.then(
    () => new Error("expected it to fail, it succeeded"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RemoteError);
  return error as RemoteError;
}

test("twenty machines that start at once on an empty database make its tables exactly once", async () => {
  const server = await startSqld();
  onTestFinished(server.close);
  const remotes = Array.from({ length: 20 }, () =>
    createSqlRemote(executor({ url: server.url }), migrations),
  );
  await Promise.all(remotes.map((remote) => remote.prepare(never())));
  const answers = await Promise.all(remotes.map((remote) => remote.pull(PULL, never())));
  expect(new Set(answers.map(({ epoch }) => epoch)).size).toBe(1);
  const [applied] = await executor({ url: server.url }).batch(
    "read",
    [{ sql: "SELECT version, file FROM migrations", args: [] }],
    never(),
  );
  expect(applied).toEqual([
    { version: 1, file: "0001_records.sql" },
    { version: 2, file: "0002_proof.sql" },
  ]);
});

test("a migration that fails half-way leaves nothing behind, and the next machine succeeds", async () => {
  const server = await startSqld();
  onTestFinished(server.close);
  const db = executor({ url: server.url });
  const broken = [
    { version: 1, file: "0001_broken.sql", sql: "CREATE TABLE half (a); SELECT nonsense FROM nowhere;" },
  ];
  await expect(createSqlRemote(db, broken).prepare(never())).rejects.toMatchObject({ kind: "rejected" });
  const [tables] = await db.batch("read", [{ sql: "SELECT name FROM sqlite_master", args: [] }], never());
  expect(tables).toEqual([]);
  await createSqlRemote(db, migrations).prepare(never());
  await expect(createSqlRemote(db, migrations).pull(PULL, never())).resolves.toMatchObject({ serverRev: 0 });
});

const answering = (status: number, body: string, type = "text/plain"): Fault => ({
  respond: { status, headers: { "content-type": type }, body },
});

test.each<[string, Fault, Partial<RemoteError>]>([
  ["refused connection", "refuse", { kind: "unreachable" }],
  ["reset connection", "reset", { kind: "unreachable", code: "HD_REMOTE_UNREACHABLE" }],
  ["answer cut short", { resetAfterResponseBytes: 40 }, { kind: "unreachable" }],
  ["answer truncated", { truncate: 60 }, { kind: "unreachable" }],
  ["no answer", "stall", { kind: "unreachable", code: "HD_REMOTE_TIMEOUT" }],
  ["half-open connection", "halfOpen", { kind: "unreachable", code: "HD_REMOTE_TIMEOUT" }],
  [
    "captive portal",
    answering(200, "<html>Welcome to the hotel</html>", "text/html"),
    { kind: "unreachable", code: "HD_REMOTE_NOT_LIBSQL" },
  ],
  [
    "JSON of another API",
    answering(200, "{}", "application/json"),
    { kind: "unreachable", code: "HD_REMOTE_NOT_LIBSQL" },
  ],
  ["not found", answering(404, "no such page"), { kind: "unreachable", code: "HD_REMOTE_NOT_LIBSQL" }],
  ["401", answering(401, "no"), { kind: "unauthorized", code: "HD_REMOTE_UNAUTHORIZED" }],
  [
    "401 with a message in JSON",
    answering(401, '{"message":"no","code":"NOPE"}', "application/json"),
    { kind: "unauthorized", code: "HD_REMOTE_UNAUTHORIZED" },
  ],
  [
    "429 with a message in JSON",
    answering(429, '{"message":"slow down","code":"NOPE"}', "application/json"),
    { kind: "busy", code: "HD_REMOTE_BUSY" },
  ],
  ["403", answering(403, "no"), { kind: "unauthorized", code: "HD_REMOTE_UNAUTHORIZED" }],
  ["429", answering(429, "slow down"), { kind: "busy", code: "HD_REMOTE_BUSY" }],
  ["502", answering(502, "bad gateway"), { kind: "busy", code: "HD_REMOTE_BUSY" }],
  ["503", answering(503, "unavailable"), { kind: "busy", code: "HD_REMOTE_BUSY" }],
])("%s is told apart, and the same connection works once it has passed", async (_name, fault, expected) => {
  const remote = createSqlRemote(executor({ timeoutMs: 300 }), migrations);
  await createSqlRemote(executor(), migrations).prepare(never());
  await remote.pull(PULL, never());

  await proxy.set(fault);
  expect(await errorOf(remote.pull(PULL, never()))).toMatchObject(expected);
  // The second failure comes over a connection that was made during the fault.
  expect(await errorOf(remote.pull(PULL, never()))).toMatchObject({ kind: expected.kind });

  await proxy.set("pass");
  await expect(remote.pull(PULL, never())).resolves.toMatchObject({ complete: true });
});

test("a token that is missing, expired or replaced: refused by name, and taken up from the file once it is right", async () => {
  const locked = await startSqld({ jwt: true });
  onTestFinished(locked.close);
  let token: string | null = null;
  const remote = createSqlRemote(executor({ url: locked.url, token: () => token }), migrations);
  expect(await errorOf(remote.prepare(never()))).toMatchObject({ kind: "unauthorized" });
  token = locked.expiredToken();
  const expired = await errorOf(remote.prepare(never()));
  expect(expired).toMatchObject({ kind: "unauthorized" });
  expect(JSON.stringify([expired.message, expired.stack])).not.toContain(token);
  token = locked.token();
  await remote.prepare(never());
  await expect(remote.pull(PULL, never())).resolves.toMatchObject({ serverRev: 0 });
});

test.each(["two\nlines", "with space", "acentuação", ""])(
  "a token that is none (%j) is refused without being printed",
  async (token) => {
    const remote = createSqlRemote(
      executor({ token: () => readToken({ kind: "value", value: token }) }),
      migrations,
    );
    const error = await errorOf(remote.prepare(never()));
    expect(error).toMatchObject({ kind: "unauthorized", code: "HD_TOKEN" });
    expect(error.message).not.toContain(token === "" ? "\0" : token);
  },
);

test("what the network throws is told by its code, never by a message that may hold what was sent", async () => {
  const remote = createSqlRemote(executor({ token: () => "two\nSECRET" }), migrations);
  const error = await errorOf(remote.prepare(never()));
  expect(error.message).not.toContain("SECRET");
});

test("a request is given up when it is cut off from outside, with the reason it was given", async () => {
  const remote = createSqlRemote(executor(), migrations);
  await remote.prepare(never());
  await proxy.set("stall");
  const stopping = new AbortController();
  const pulling = remote.pull(PULL, stopping.signal);
  stopping.abort(new Error("the daemon is stopping"));
  await expect(pulling).rejects.toThrow("the daemon is stopping");
  await proxy.set("pass");
});

test("an integer that no number holds comes as text, and does not stop the page", async () => {
  const db = executor();
  const [rows] = await db.batch(
    "read",
    [{ sql: "SELECT 9007199254740993 AS big, 7 AS small", args: [] }],
    never(),
  );
  expect(rows).toEqual([{ big: "9007199254740993", small: 7 }]);
});

test("the remote's guard speaks by its codes through the real server", async () => {
  const remote = createSqlRemote(executor(), migrations);
  await remote.prepare(never());
  const node = {
    machineId: "m",
    incarnation: "i",
    hostname: "h",
    version: "0",
    pushSeq: 1,
    pushId: "p",
    queueDepth: 0,
    now: 1,
  };
  const push = (epoch: string, pull: Partial<PullRequest> = {}, acknowledgedSeq = 0, pushIds = ["p"]) =>
    remote.exchange({ ...PULL, ...pull }, { epoch, records: [], node, acknowledgedSeq, pushIds }, never());
  const { epoch } = await remote.pull(PULL, never());
  expect(await errorOf(push("another"))).toMatchObject({ kind: "guard", code: "HD_EPOCH" });
  expect(await errorOf(push(epoch, { cursor: 5 }))).toMatchObject({ kind: "guard", code: "HD_AHEAD" });
  expect(await errorOf(push(epoch, { mark: { rev: 0, mark: "lost" } }))).toMatchObject({ code: "HD_AHEAD" });
  await expect(push(epoch)).resolves.toMatchObject({ serverRev: 0, pushed: { revAfter: 0, held: [] } });
  expect(await errorOf(push(epoch, {}, 1, ["another"]))).toMatchObject({ kind: "guard", code: "HD_CLONE" });
});
