import { chmodSync, existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { listen, SocketError } from "../../daemon/http/socket.ts";
import { requestOn } from "../support/daemon.ts";
import { startProcess } from "../support/processes.ts";
import { type Api, createApi } from "./api.ts";

let api: Api;
let path: string;
beforeEach(async () => {
  api = await createApi();
  path = join(api.machine.home, "s.sock");
});
afterEach(() => api.close());

const modeOf = (file: string): number => statSync(file).mode & 0o777;
const health = () => requestOn(path, "GET", "/v1/health");

async function refused(): Promise<SocketError> {
  const error: unknown = await listen(api.server, path, 100).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(SocketError);
  return error as SocketError;
}

/** A socket file whose owner was killed: nobody answers, and nobody tidied up. */
async function leaveStale(): Promise<void> {
  const program = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => console.log("listening"))`;
  const running = await startProcess(process.execPath, ["-e", program]);
  await running.waitForLine(/listening/);
  await running.stop("SIGKILL");
  chmodSync(path, 0o600);
  expect(statSync(path).isSocket()).toBe(true);
}

async function occupy(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.listen(path, () => resolve()));
  chmodSync(path, 0o600);
  onTestFinished(async () => {
    await new Promise((resolve) => server.close(resolve));
  });
}

describe("listen", () => {
  it.each([0o022, 0o077, 0])("makes a socket for its user alone, whatever the umask (%d)", async (mask) => {
    const before = process.umask(mask);
    onTestFinished(() => void process.umask(before));
    await listen(api.server, path);
    expect(modeOf(path)).toBe(0o600);
    expect(await health()).toMatchObject({ status: 200, body: { status: "ok" } });
  });

  it("removes the socket when it closes", async () => {
    await listen(api.server, path);
    await api.server.close();
    expect(existsSync(path)).toBe(false);
  });

  it("takes the place of a socket where nobody answers", async () => {
    await leaveStale();
    await listen(api.server, path);
    expect(await health()).toMatchObject({ status: 200 });
    expect(modeOf(path)).toBe(0o600);
  });

  it("takes the longest path there is, and names the limit for a longer one", async () => {
    const fill = (bytes: number): string => {
      const folder = join(api.machine.home, "x");
      return folder + "y".repeat(bytes - Buffer.byteLength(folder));
    };
    path = fill(108);
    const error = await refused();
    expect(error.code).toBe("HD_SOCKET");
    expect(error.message).toMatch(/107 bytes; set HISTORYD_SOCKET to a shorter one/);
    path = fill(107);
    await listen(api.server, path);
    expect(await health()).toMatchObject({ status: 200 });
  });

  it("says which folder is missing", async () => {
    path = join(api.machine.home, "missing", "s.sock");
    expect((await refused()).message).toContain(path);
  });
});

describe("listen refuses, and leaves as it is,", () => {
  it.each<[string, (file: string) => void]>([
    ["a file", (file) => writeFileSync(file, "mine")],
    ["a folder", (file) => mkdirSync(file)],
    ["a link", (file) => symlinkSync("elsewhere", file)],
  ])("%s at the path", async (_, make) => {
    make(path);
    const error = await refused();
    expect(error.code).toBe("HD_SOCKET");
    expect(error.message).toMatch(/expected a socket or nothing.*remove it, or set HISTORYD_SOCKET/);
    await expect(health()).rejects.toThrow(/ECONNREFUSED|ENOTSOCK|ENOENT/);
  });

  it.each([0o620, 0o602, 0o666])("a socket that others can write (%d)", async (mode) => {
    await leaveStale();
    chmodSync(path, mode);
    const error = await refused();
    expect(error.code).toBe("HD_SOCKET");
    expect(error.message).toMatch(/others can write/);
    expect(modeOf(path)).toBe(mode);
  });

  it("a daemon that answers, and names its version and pid", async () => {
    await listen(api.server, path);
    const second = await createApi();
    onTestFinished(second.close);
    const error: unknown = await listen(second.server, path).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "HD_ALREADY_RUNNING" });
    expect((error as Error).message).toMatch(/historyd 1\.2\.3, pid 42, is already listening on .*s\.sock/);
    expect(await health()).toMatchObject({ status: 200 });
  });

  it.each<[string, () => Server]>([
    ["closes every connection", () => createServer((socket) => socket.destroy())],
    ["answers something else", () => createServer((socket) => socket.resume().end("SSH-2.0-OpenSSH\r\n"))],
    ["answers a page", () => createHttpServer((_, response) => response.end("<html>"))],
    ["answers JSON of its own", () => createHttpServer((_, response) => response.end('{"status":"up"}'))],
    ["accepts and says nothing", () => createServer((socket) => socket.resume())],
    ["answers without an end", () => createHttpServer((_, response) => response.write('{"status":"ok"'))],
    ["answers null", () => createHttpServer((_, response) => response.end("null"))],
  ])("a program that %s", async (_, make) => {
    await occupy(make());
    const error = await refused();
    expect(error.code).toBe("HD_ALREADY_RUNNING");
    expect(error.message).toMatch(/another program is already listening/);
    expect(existsSync(path)).toBe(true);
  });
});
