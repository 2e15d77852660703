import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { freePort, startProcess, waitFor, type Running } from "./processes.ts";

async function node(script: string, options?: Parameters<typeof startProcess>[2]): Promise<Running> {
  const running = await startProcess(process.execPath, ["-e", script], options);
  onTestFinished(async () => void (await running.stop("SIGKILL")));
  return running;
}

test("lines of both streams, input and exit code", async () => {
  const running = await node(
    `process.stdin.once("data", (d) => { console.log("got " + d); console.error("a\\u2028b"); process.stdout.write("tail"); process.exitCode = 3; })`,
    { input: "hello" },
  );
  expect((await running.waitForLine(/got (\w+)/))[1]).toBe("hello");
  expect(await running.exited).toEqual({ code: 3, signal: null });
  expect(running.stdout).toEqual(["got hello", "tail"]);
  expect(running.stderr).toEqual(["a\u2028b"]);
  expect(running.exit).toEqual({ code: 3, signal: null });
});

test("waiting for a line fails as soon as the process has ended, with what it said", async () => {
  const running = await node(`console.error("why it failed"); process.exit(2)`);
  await expect(running.waitForLine(/ready/)).rejects.toThrow(/code 2[^]*why it failed/);
  await expect(running.waitFor(() => false, { what: "ready" })).rejects.toThrow(/ended before ready/);
});

test("waiting for a line is bounded", async () => {
  const running = await node(`setInterval(() => {}, 1000)`);
  await expect(running.waitForLine(/ready/, 20)).rejects.toThrow("within 20 ms");
  await expect(waitFor(() => 0, { timeoutMs: 20, what: "a wonder" })).rejects.toThrow(
    "a wonder: not within 20 ms",
  );
});

test("stop ends a process that ignores the signal, and what it has started", async () => {
  const running = await node(`
    process.on("SIGTERM", () => console.log("no"));
    require("child_process").spawn("sleep", ["1000"], { stdio: "inherit" }).once("spawn", () => console.log("ready"));
  `);
  await running.waitForLine(/ready/);
  // It resolves only because the grandchild, which holds the pipes as well, has ended too.
  expect(await running.stop("SIGTERM", 50)).toEqual({ code: null, signal: "SIGKILL" });
  expect(running.stdout).toContain("no");
});

test.each([
  ["exits", "process.exit(0)", { code: 0, signal: null }],
  ["is killed", "process.kill(process.pid, 'SIGKILL')", { code: null, signal: "SIGKILL" }],
])("a child does not outlive a parent that %s", async (_how, end, exit) => {
  const server = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const compiled = new URL("../../dist/test/support/processes.js", import.meta.url);
  const parent = await startProcess(process.execPath, [
    "--input-type=module",
    "--eval",
    `import { startProcess } from ${JSON.stringify(compiled.href)};
    process.stdin.on("data", () => ${end});
    await startProcess(process.execPath, ["-e", "require('net').connect(${port}, '127.0.0.1')"]);`,
  ]);
  onTestFinished(async () => void (await parent.stop("SIGKILL")));
  let child: Socket | undefined;
  server.once("connection", (socket) => (child = socket.on("error", () => {}).resume()));
  const connected = await parent.waitFor(() => child, { what: "its child has connected" });

  const closed = once(connected, "close");
  parent.stdin.end("now");
  await closed;
  expect(await parent.exited).toEqual(exit);
});

test("a program that is not there is an error", async () => {
  await expect(startProcess("/nonexistent/program", [])).rejects.toThrow("cannot start /nonexistent/program");
});

test("a free port refuses connections", async () => {
  const socket = connect(await freePort(), "127.0.0.1");
  await expect(once(socket, "connect")).rejects.toMatchObject({ code: "ECONNREFUSED" });
});
