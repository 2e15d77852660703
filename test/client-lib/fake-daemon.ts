import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import path from "node:path";
import { onTestFinished } from "vitest";
import { tempDir } from "../support/temp.ts";

export interface Received {
  method: string;
  path: string;
  body: string;
}

/** What came, which connection it came on (from 1), and where to answer, or not. */
type Answerer = (received: Received, to: ServerResponse, connection: number) => void;

export interface FakeDaemon {
  readonly socket: string;
  readonly received: readonly Received[];
  /** Connections that were accepted. */
  readonly connections: number;
}

/** A server on a Unix socket that answers as a test wants it; it ends with the test. */
export async function fakeDaemon(answer: Answerer): Promise<FakeDaemon> {
  const folder = tempDir("fd");
  const socket = path.join(folder.path, "s");
  const received: Received[] = [];
  const sockets: Socket[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (part: string) => (body += part));
    request.on("end", () => {
      const one = { method: request.method ?? "", path: request.url ?? "", body };
      received.push(one);
      answer(one, response, sockets.indexOf(request.socket) + 1);
    });
  });
  server.on("connection", (connection: Socket) => {
    sockets.push(connection);
  });
  server.listen(socket);
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    for (const connection of sockets) connection.destroy();
    folder.remove();
  });
  return {
    socket,
    received,
    get connections() {
      return sockets.length;
    },
  };
}

/** Answers as the daemon does. */
export function answerJson(to: ServerResponse, statusCode: number, body: unknown): void {
  to.writeHead(statusCode, { "content-type": "application/json; charset=utf-8" });
  to.end(JSON.stringify(body));
}

/** Refuses as the daemon does. */
export function refuse(to: ServerResponse, statusCode: number, code: string): void {
  answerJson(to, statusCode, { statusCode, code, error: "Error", message: `because of ${code}` });
}
