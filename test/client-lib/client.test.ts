import { afterAll, beforeAll, expect, test } from "vitest";
import { type Client, createClient } from "../../client-lib/index.ts";
import { startDaemon, type TestDaemon } from "../support/daemon.ts";

let daemon: TestDaemon;
let client: Client;

beforeAll(async () => {
  daemon = await startDaemon();
  client = createClient({ env: daemon.env });
});
afterAll(async () => {
  await client.close();
  await daemon.close();
});

test("meets the daemon by its variables, by its home folder and by its socket", async () => {
  expect(client.socket).toBe(daemon.socket);
  const elsewhere = { HOME: "/nowhere" };
  for (const options of [
    { env: elsewhere, home: daemon.home },
    { env: elsewhere, socket: daemon.socket },
    { env: { ...elsewhere, HISTORYD_HOME: "/nowhere" }, home: daemon.home },
  ]) {
    const other = createClient(options);
    expect((await other.health()).pid).toBe(daemon.process.pid);
    await other.close();
  }
});

test("records an entry, and the same entry once", async () => {
  const first = await client.record({ command: "git status", tags: ["ç"], exit_code: 0 });
  expect(first).toMatchObject({ stored: "daemon", created: true });
  if (first.stored !== "daemon") return;
  expect(first.entry).toMatchObject({ command: "git status", tags: ["ç"], kind: "command", sync: "pending" });
  // The time is the one in the id, so that a repetition is the same request.
  const sent = { id: first.entry.id, command: "git status", tags: ["ç"], exit_code: 0 };
  expect(await client.record(sent)).toEqual({ stored: "daemon", entry: first.entry, created: false });
  await expect(client.record({ ...sent, command: "git diff" })).rejects.toMatchObject({
    code: "HD_ID_TAKEN",
    statusCode: 409,
  });
  expect(await client.get(first.entry.id)).toEqual(first.entry);
});

test("an id and a time of the caller's own stay", async () => {
  const own = { id: "0197A3F2-8C1E-4B52-9C55-2F4F8A1D0E33", command: "ls", timestamp: 1_700_000_000_000 };
  const recorded = await client.record(own);
  expect(recorded).toMatchObject({ entry: { id: own.id.toLowerCase(), timestamp: own.timestamp } });
  // Another kind of id holds no time: the daemon's own is taken.
  const before = Date.now();
  const { id, ...timeless } = { ...own, id: "0197a3f2-8c1e-4b52-9c55-2f4f8a1d0e34" };
  const second = await client.record({ id, command: timeless.command });
  expect(second.stored === "daemon" && second.entry.timestamp >= before).toBe(true);
});

test("records a batch, and pages through it", async () => {
  const entries = Array.from({ length: 25 }, (_, index) => ({ command: `batch ${index}`, tags: ["batch"] }));
  const batch = await client.recordBatch(entries);
  expect(batch).toMatchObject({ stored: "daemon", created: 25 });
  const first = await client.list({ tag: "batch", limit: 20 });
  expect(first.entries.map(({ command }) => command)).toEqual(
    entries
      .map(({ command }) => command)
      .toReversed()
      .slice(0, 20),
  );
  const second = await client.list({ tag: "batch", limit: 20, cursor: first.next_cursor ?? "" });
  expect(second.entries).toHaveLength(5);
  expect(second.next_cursor).toBeNull();
  await expect(client.recordBatch([])).rejects.toMatchObject({ code: "HD_INVALID" });
});

test("edits, deletes and restores", async () => {
  const recorded = await client.record({ command: "rm -rf build" });
  const id = recorded.stored === "daemon" ? recorded.entry.id : "";
  expect(await client.edit(id, { note: "careful", pinned: true })).toMatchObject({
    note: "careful",
    pinned: true,
  });
  expect((await client.remove(id)).deleted_at).toBeTypeOf("number");
  await expect(client.edit(id, { note: "" })).rejects.toMatchObject({ code: "HD_DELETED" });
  expect(await client.restore(id)).toMatchObject({ deleted_at: null, note: "careful" });
  await expect(client.remove("0197a3f2-8c1e-7b52-9c55-000000000000")).rejects.toMatchObject({
    code: "HD_NOT_FOUND",
    statusCode: 404,
  });
});

test("searches with filters", async () => {
  await client.recordBatch([
    { command: "systemctl restart nginx", user: "maria" },
    { command: "how to configure nginx?", response: "a configuração", kind: "chat" },
  ]);
  const all = await client.search({ q: "nginx" });
  expect(all.results).toHaveLength(2);
  const [chat] = (await client.search({ q: "configuracao", kind: "chat", since: 0, limit: 1 })).results;
  expect(chat).toMatchObject({ kind: "chat", snippet: expect.stringContaining("<mark>configuração</mark>") });
  expect((await client.search({ q: "nginx", user: "maria" })).results).toHaveLength(1);
  // @ts-expect-error a filter that does not exist is refused, not dropped
  await expect(client.search({ q: "nginx", colour: "red" })).rejects.toMatchObject({ code: "HD_INVALID" });
});

test("ids and filters are text, whatever characters they have", async () => {
  await client.record({ command: "odd", cwd: "/a b/ç&d=#?%2F+" });
  expect((await client.list({ cwd: "/a b/ç&d=#?%2F+" })).entries).toHaveLength(1);
  await expect(client.get("../stats?x=1#y")).rejects.toMatchObject({ code: "HD_INVALID" });
});

test("what the daemon refuses is no matter for the spool", async () => {
  await expect(client.record({ command: "" })).rejects.toMatchObject({ code: "HD_INVALID" });
  await expect(client.record({ command: "x".repeat(2 ** 20 + 1) })).rejects.toMatchObject({
    code: "HD_TOO_LARGE",
  });
  await expect(client.record({ command: "x", response: "y".repeat(2 ** 24) })).rejects.toMatchObject({
    code: "HD_TOO_LARGE",
  });
  expect((await client.status()).spool).toEqual({ files: 0, taken: 0, rejected: 0 });
});

test("status, stats, health and sync", async () => {
  const { total } = (await client.stats()).cache;
  expect(total).toBeGreaterThan(0);
  expect(await client.status()).toMatchObject({ home: daemon.home, socket: daemon.socket, cache: { total } });
  expect(await client.health()).toMatchObject({ status: "ok", pid: daemon.process.pid });
  expect(await client.syncStatus()).toMatchObject({ enabled: false, state: "waiting", pending: total });
  await expect(client.sync()).rejects.toMatchObject({ code: "HD_SYNC_OFF", statusCode: 409 });
});

test("purges, and says who changed what", async () => {
  const recorded = await client.record({ command: "export TOKEN=x" });
  const id = recorded.stored === "daemon" ? recorded.entry.id : "";
  await client.edit(id, { note: "oops" });
  const purged = await client.purge(id);
  expect(purged).toEqual({ id, purged_at: expect.any(Number) });
  expect(await client.purge(id)).toEqual(purged);
  await expect(client.get(id)).rejects.toMatchObject({ code: "HD_NOT_FOUND" });
  await expect(client.record({ id, command: "export TOKEN=x" })).rejects.toMatchObject({ code: "HD_GONE" });
  const { events, next_cursor: cursor } = await client.audit({ record: id, limit: 1 });
  expect(events).toMatchObject([{ action: "purge", record_id: id }]);
  const older = await client.audit({ record: id, cursor: cursor ?? "" });
  expect(older).toMatchObject({
    events: [{ action: "edit", details: { fields: ["note"] } }],
    next_cursor: null,
  });
  expect(JSON.stringify(await client.audit())).not.toContain("oops");
});

test("lists and resolves conflicts", async () => {
  const none = { conflicts: [], next_cursor: null };
  expect([await client.conflicts(), await client.conflicts({ state: "all", limit: 5 })]).toEqual([
    none,
    none,
  ]);
  const unknown = "0197a3f2-8c1e-7b52-9c55-000000000000";
  await expect(client.resolveConflict(unknown, { choice: "local" })).rejects.toMatchObject({
    code: "HD_NOT_FOUND",
  });
  await expect(client.resolveConflict(unknown, { choice: "merge" })).rejects.toMatchObject({
    code: "HD_INVALID",
  });
});

test("many calls at once", async () => {
  const results = await Promise.all(
    Array.from({ length: 200 }, (_, index) => client.record({ command: `at once ${index}` })),
  );
  expect(results.every(({ stored }) => stored === "daemon")).toBe(true);
  expect(
    (await client.list({ limit: 1000 })).entries.filter(({ command }) => command.startsWith("at once")),
  ).toHaveLength(200);
});

test("a client outlives a restart of the daemon", async () => {
  const first = await startDaemon();
  const lasting = createClient({ env: first.env });
  await lasting.record({ command: "before" });
  await first.stop();
  const second = await startDaemon({ home: first.home });
  expect(await lasting.record({ command: "after" })).toMatchObject({ stored: "daemon" });
  expect((await lasting.list()).entries.map(({ command }) => command)).toEqual(["after", "before"]);
  await lasting.close();
  await second.close();
  await first.close();
});
