import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { startDaemon } from "../support/daemon.ts";
import { tempDir } from "../support/temp.ts";
import { runProgram } from "./program.ts";

let home: string;
beforeEach(() => {
  const temp = tempDir("hd");
  onTestFinished(temp.remove);
  home = temp.path;
});

const isRoot = process.getuid!() === 0;
const modeOf = (file: string): number => statSync(file).mode & 0o777;

const run = (args: string[] = [], env: Record<string, string> = {}) => runProgram(home, args, env);

describe("a daemon without a remote", () => {
  it("says that it is ready, and does everything but sync", async () => {
    const daemon = await startDaemon({ home });
    onTestFinished(daemon.close);
    const [, json] = await daemon.process.waitForLine(/^(.*"historyd is ready".*)$/);
    expect(JSON.parse(json!)).toMatchObject({ level: 30, home, socket: daemon.socket, remote: null });

    const { request } = daemon;
    const { status, body } = await request("POST", "/v1/history", { command: "ls -la", tags: ["a"] });
    expect(status).toBe(201);
    expect(await request("GET", `/v1/history/${body.id}`)).toEqual({ status: 200, body });
    expect((await request("GET", "/v1/history")).body.entries).toEqual([body]);
    expect((await request("GET", "/v1/search?q=ls")).body.results[0]).toMatchObject({ id: body.id });
    expect(await request("PATCH", `/v1/history/${body.id}`, { pinned: true })).toMatchObject({ status: 200 });
    expect(await request("DELETE", `/v1/history/${body.id}`)).toMatchObject({ status: 200 });
    expect(await request("POST", `/v1/history/${body.id}/restore`)).toMatchObject({ status: 200 });
    expect((await request("GET", "/v1/stats")).body.cache).toEqual({ total: 1, synced: 0, pending: 1 });
    expect((await request("GET", "/v1/status")).body).toMatchObject({ pid: daemon.process.pid, home });
    expect(await request("POST", "/v1/sync")).toMatchObject({ status: 409, body: { code: "HD_SYNC_OFF" } });

    const cache = new Database(join(home, "cache.db"), { readonly: true });
    expect(cache.prepare("SELECT count(*) FROM history_cache").pluck().get()).toBe(1);
    cache.close();
  });

  it("keeps its folders and files to its user, and its machine id over a restart", async () => {
    const first = await startDaemon({ home });
    await first.request("POST", "/v1/history", { command: "ls" });
    for (const folder of [".", "run", "spool", "backups"]) expect(modeOf(join(home, folder))).toBe(0o700);
    const files = [
      "cache.db",
      "cache.db-wal",
      "cache.db-shm",
      "machine-id",
      "historyd.lock",
      "run/historyd.sock",
    ];
    for (const file of files) expect([file, modeOf(join(home, file))]).toEqual([file, 0o600]);
    const id = readFileSync(join(home, "machine-id"), "utf8").trim();
    expect((await first.request("GET", "/v1/status")).body.machine.id).toBe(id);
    await first.stop();
    const second = await startDaemon({ home });
    onTestFinished(second.close);
    expect((await second.request("GET", "/v1/status")).body.machine.id).toBe(id);
  });

  it("takes over what the assistant has in that folder: its machine id, its config.json", async () => {
    writeFileSync(join(home, "machine-id"), "host-7", { mode: 0o644 });
    writeFileSync(
      join(home, "config.json"),
      '{"sync":{"enabled":true,"interval":30000,"batch_size":100,"retry_attempts":3,"offline_mode":"auto"},"debug":true}',
      { mode: 0o644 },
    );
    chmodSync(home, 0o755);
    const daemon = await startDaemon({ home });
    onTestFinished(daemon.close);
    const { body } = await daemon.request("GET", "/v1/status");
    expect(body).toMatchObject({ machine: { id: "host-7" }, log_level: "debug" });
    for (const file of ["machine-id", "config.json"]) expect(modeOf(join(home, file))).toBe(0o600);
    expect(modeOf(home)).toBe(0o700);
  });

  it("leaves a socket folder that somebody chose as it is", async () => {
    const folder = join(home, "chosen");
    mkdirSync(folder);
    chmodSync(folder, 0o755);
    const daemon = await startDaemon({ home, env: { HISTORYD_SOCKET: join(folder, "h.sock") } });
    onTestFinished(daemon.close);
    expect(modeOf(folder)).toBe(0o755);
    expect(modeOf(daemon.socket)).toBe(0o600);
  });
});

it("--help and --version answer on standard output and leave nothing behind", async () => {
  const help = await run(["--help"]);
  expect(help).toMatchObject({ code: 0, stderr: [] });
  expect(help.stdout.join("\n")).toContain("--sync-interval-ms");
  expect(await run(["--version"])).toMatchObject({
    code: 0,
    stdout: [expect.stringMatching(/^\d+\.\d+\.\d+$/)],
  });
  expect(existsSync(join(home, "cache.db"))).toBe(false);
});

it.skipIf(!isRoot)(
  "takes a credential that systemd keeps in a file of its own (skipped: needs root)",
  async () => {
    // systemd.exec(5): with User=, the file may be root's, and the unit's user reads it by an access list.
    const credentials = join(home, "credentials");
    mkdirSync(credentials, { mode: 0o700 });
    const file = join(credentials, "turso-auth-token");
    writeFileSync(file, "token");
    chownSync(file, 54_321, 54_321);
    chmodSync(file, 0o440);
    const env = { CREDENTIALS_DIRECTORY: credentials, TURSO_DATABASE_URL: "http://127.0.0.1:9" };
    const daemon = await startDaemon({ home, env });
    onTestFinished(daemon.close);
    expect(modeOf(file)).toBe(0o440);
  },
);
