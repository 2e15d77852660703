import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { packageRoot } from "../../client-lib/package-root.ts";
import type { Health } from "../../client-lib/protocol/status.ts";
import { type Exit, type Running, startProcess } from "./processes.ts";
import { tempDir } from "./temp.ts";

/** The daemon as compiled before the first test. */
export const daemonProgram: string = join(packageRoot, "dist/daemon/main.js");

export interface DaemonOptions {
  /** Its folder; by default a new temporary one, which `close` removes. Give it again to start on the same data. */
  readonly home?: string;
  /** Added to {@link bareEnv}: `TURSO_DATABASE_URL` of a test's sqld, say. */
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

export interface Answer {
  readonly status: number;
  /** Parsed where it is JSON, text elsewhere. The test says what it expects. */
  // oxlint-disable-next-line typescript/no-explicit-any -- a test asserts on it, which is its type check
  readonly body: any;
}

/** A running daemon. Every method is a closure, so `onTestFinished(daemon.close)` works. */
export interface TestDaemon {
  readonly home: string;
  readonly socket: string;
  /** Its variables, complete: for clients and the command line to meet it. */
  readonly env: Readonly<Record<string, string>>;
  /** Its log lines are `process.stderr`, one JSON object each. */
  readonly process: Running;
  /** One request on a connection of its own; a body that is no string is sent as JSON. Rejects without an answer. */
  readonly request: (method: string, path: string, body?: unknown) => Promise<Answer>;
  /** SIGTERM: it drains and ends; SIGKILL when it takes too long. The data stays. */
  readonly stop: () => Promise<Exit>;
  /** SIGKILL: a crash. The data stays. */
  readonly kill: () => Promise<Exit>;
  /** Kills it, and removes the folder that was made for it. */
  readonly close: () => Promise<void>;
}

/**
 * The whole environment of a program under test: nothing of the developer's own `TURSO_*`, `HISTORYD_*` or
 * `XDG_RUNTIME_DIR` reaches it, and it finds its home folder even when it looks in `$HOME`.
 */
export function bareEnv(home: string, env: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: home,
    HISTORYD_HOME: home,
    HISTORYD_LOG_FORMAT: "json",
    ...env,
  };
}

/**
 * Starts the real daemon on a socket in its home folder, and resolves when it answers there.
 * @throws Error with its last log lines where it ends instead
 */
export async function startDaemon(options: DaemonOptions = {}): Promise<TestDaemon> {
  // A short prefix: the path of a socket must fit in 107 bytes.
  const made = options.home === undefined ? tempDir("hd") : null;
  const home = options.home ?? made!.path;
  const env = bareEnv(home, options.env);
  const socket = env["HISTORYD_SOCKET"] ?? join(home, "run", "historyd.sock");
  const running = await startProcess(process.execPath, [daemonProgram, ...(options.args ?? [])], { env });
  const close = async (): Promise<void> => {
    await running.stop("SIGKILL");
    made?.remove();
  };
  try {
    // Its own pid: a daemon that was there before would answer as well.
    await running.waitFor(
      () =>
        requestOn(socket, "GET", "/v1/health").then(
          ({ body }) => (body as Health).pid === running.pid,
          () => false,
        ),
      { what: "an answer to GET /v1/health" },
    );
  } catch (error) {
    await close();
    throw error;
  }
  return {
    home,
    socket,
    env,
    process: running,
    request: (method, path, body) => requestOn(socket, method, path, body),
    stop: () => running.stop(),
    kill: () => running.stop("SIGKILL"),
    close,
  };
}

/** One request over a Unix socket, apart from the client library that other tests are about. */
export function requestOn(socket: string, method: string, path: string, body?: unknown): Promise<Answer> {
  const text = body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body);
  return new Promise((resolveAnswer, reject) => {
    const call = httpRequest(
      {
        socketPath: socket,
        method,
        path,
        agent: false,
        headers: text === null ? {} : { "content-type": "application/json" },
      },
      (response) => {
        let answer = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          answer += chunk;
        });
        response.on("error", reject);
        response.on("end", () => {
          const isJson = (response.headers["content-type"] ?? "").includes("json");
          resolveAnswer({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(answer) : answer });
        });
      },
    );
    call.on("error", reject);
    call.end(text ?? undefined);
  });
}
