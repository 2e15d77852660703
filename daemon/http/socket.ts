import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import { request } from "node:http";
import type { Health } from "../../client-lib/protocol/status.ts";
import type { Server } from "./routes/common.ts";

/** The socket's place cannot be taken. */
export class SocketError extends Error {
  override readonly name = "SocketError";
  readonly code: "HD_ALREADY_RUNNING" | "HD_SOCKET";
  constructor(code: SocketError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The longest path that fits into a socket address on Linux, without its final zero. */
const MAX_SOCKET_PATH_BYTES = 107;

/**
 * Listens on the socket, mode 0600, in a folder that is private already. A socket file that somebody left behind is
 * replaced only after dialling it showed that nobody answers.
 * @param dialTimeoutMs how long a socket that accepts connections may take to say who it is
 * @throws SocketError `HD_ALREADY_RUNNING` where a daemon answers there, `HD_SOCKET` where the path cannot be used
 */
export async function listen(server: Server, path: string, dialTimeoutMs = 2000): Promise<void> {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw new SocketError(
      "HD_SOCKET",
      `${path}: a socket's path can have ${MAX_SOCKET_PATH_BYTES} bytes; set HISTORYD_SOCKET to a shorter one`,
    );
  }
  await clearStale(path, dialTimeoutMs);
  try {
    await server.listen({ path });
  } catch (cause) {
    throw new SocketError("HD_SOCKET", `${path}: cannot listen there (${(cause as Error).message})`, {
      cause,
    });
  }
  chmodSync(path, 0o600);
}

async function clearStale(path: string, dialTimeoutMs: number): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) {
    throw new SocketError(
      "HD_SOCKET",
      `${path}: expected a socket or nothing, found another kind of file; remove it, or set HISTORYD_SOCKET`,
    );
  }
  if ((stat.mode & 0o022) !== 0) {
    throw new SocketError(
      "HD_SOCKET",
      `${path}: others can write to this socket, so whoever listens there cannot be trusted; remove it`,
    );
  }
  const answer = await dial(path, dialTimeoutMs);
  if (answer.kind === "stale") {
    unlinkSync(path);
    return;
  }
  const who =
    answer.kind === "daemon"
      ? `historyd ${answer.health.version}, pid ${answer.health.pid},`
      : "another program";
  throw new SocketError(
    "HD_ALREADY_RUNNING",
    `${who} is already listening on ${path}; stop it first, or set HISTORYD_SOCKET`,
  );
}

type Answer = { kind: "stale" } | { kind: "daemon"; health: Health } | { kind: "other" };

function dial(path: string, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve) => {
    const call = request({ socketPath: path, path: "/v1/health", timeout: timeoutMs }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => {
        resolve(toAnswer(body));
      });
      response.on("error", () => {
        resolve({ kind: "other" });
      });
    });
    call.on("timeout", () => {
      resolve({ kind: "other" });
      call.destroy();
    });
    call.on("error", (error: NodeJS.ErrnoException) => {
      // Only these two say that nobody is there; anything else may be a daemon in trouble.
      resolve({ kind: error.code === "ECONNREFUSED" || error.code === "ENOENT" ? "stale" : "other" });
    });
    call.end();
  });
}

function toAnswer(body: string): Answer {
  try {
    const health = JSON.parse(body) as Partial<Health>;
    if (health.status === "ok" && typeof health.pid === "number")
      return { kind: "daemon", health: health as Health };
  } catch {
    // Not JSON: whoever answers is no daemon of ours.
  }
  return { kind: "other" };
}
