import path from "node:path";
import { fileURLToPath } from "node:url";
import { resolveSocket } from "../../client-lib/paths.ts";
import { startProcess } from "../support/processes.ts";
import { tempDir } from "../support/temp.ts";
import type { Bench } from "./bench.ts";
import { startEntry } from "./child.ts";
import { connect, toRequest } from "./connection.ts";

/** A server on a Unix socket, in a process of its own. */
export interface BenchServer {
  readonly pid: number;
  readonly socket: string;
}

export interface BenchDaemon extends BenchServer {
  readonly cacheFile: string;
  /** A request outside of what is measured. @throws Error for any status but `expect` */
  call<Body>(method: string, route: string, expect: number, body?: object): Promise<Body>;
}

/** A new temporary folder that goes when the row has ended. Its name is short, as sockets' paths must be. */
export function newFolder(bench: Bench): string {
  const folder = tempDir("hd-bench");
  bench.onEnd(folder.path, folder.remove);
  return folder.path;
}

/**
 * Starts historyd as its users do: the compiled program, in a home of its own.
 * @param env added to a nearly empty environment, so that nothing of the developer's shell reaches it
 */
export async function startDaemon(
  bench: Bench,
  env: Readonly<Record<string, string>> = {},
): Promise<BenchDaemon> {
  const home = newFolder(bench);
  const entry = fileURLToPath(new URL("../../daemon/main.js", import.meta.url));
  const running = await startProcess(process.execPath, [...bench.daemonNodeArgs, entry], {
    env: { PATH: process.env["PATH"], HISTORYD_HOME: home, ...env },
    input: "",
  });
  bench.onEnd("historyd", async () => {
    await running.stop();
  });
  await running.waitForLine(/historyd is ready/);
  const socket = resolveSocket({ HISTORYD_HOME: home });
  let connection = await connect(socket);
  bench.onEnd("the connection to historyd", () => {
    connection.close();
  });
  return {
    pid: running.pid,
    socket,
    cacheFile: path.join(home, "cache.db"),
    async call<Body>(method: string, route: string, expect: number, body?: object) {
      // Other work may have taken longer than the server keeps a connection that says nothing.
      if (connection.isClosed()) connection = await connect(socket);
      const answer = await connection.exchange(
        toRequest(method, route, body === undefined ? undefined : JSON.stringify(body)),
      );
      if (answer.status !== expect) {
        throw new Error(`${method} ${route}: expected ${expect}, got ${answer.status}: ${answer.text()}`);
      }
      return JSON.parse(answer.text()) as Body;
    },
  };
}

/** Starts a reference server, which is given the path of its socket and `args`. */
export async function startReference(
  bench: Bench,
  entry: URL,
  args: readonly string[] = [],
): Promise<BenchServer> {
  const socket = path.join(newFolder(bench), "reference.sock");
  const { pid } = await startEntry(bench, entry, [socket, ...args]);
  return { pid, socket };
}
