import { connect as connectSocket } from "node:net";

export interface Answer {
  readonly status: number;
  /** The body; put together only when asked for, as most are only counted. */
  text(): string;
}

/** One kept-alive HTTP connection, one request at a time. */
export interface Connection {
  /** @throws Error when the connection ends before the answer is complete */
  exchange(request: string): Promise<Answer>;
  /** Whether the server, or `close`, has ended it. */
  isClosed(): boolean;
  close(): void;
}

/** An HTTP request, as text to send. */
export function toRequest(method: string, path: string, body?: string): string {
  const head = `${method} ${path} HTTP/1.1\r\nhost: localhost\r\n`;
  if (body === undefined) return `${head}\r\n`;
  return `${head}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/**
 * Opens a connection to a Unix socket. Not `node:http`: its client needs more of a core than Fastify's server does,
 * so that one would measure the client. This one understands just what the servers here answer.
 */
export async function connect(socketPath: string): Promise<Connection> {
  const socket = connectSocket(socketPath);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });

  let waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | null = null;
  let chunks: Buffer[] = [];
  let received = 0;
  let head: { status: number; bytes: number; total: number } | null = null;

  const fail = (error: Error): void => {
    socket.destroy();
    waiting?.reject(error);
    waiting = null;
  };
  socket.on("error", fail);
  socket.on("close", () => {
    fail(new Error(`${socketPath}: the connection was closed before an answer was complete`));
  });
  socket.on("data", (chunk) => {
    chunks.push(chunk);
    received += chunk.length;
    try {
      head ??= parseHead(chunks);
    } catch (error) {
      fail(error as Error);
      return;
    }
    if (head === null || received < head.total || waiting === null) return;
    const { status, bytes } = head;
    const parts = chunks;
    const { resolve } = waiting;
    chunks = [];
    received = 0;
    head = null;
    waiting = null;
    resolve({ status, text: () => Buffer.concat(parts).toString("utf8", bytes) });
  });

  return {
    exchange: (request) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        if (socket.destroyed) fail(new Error(`${socketPath}: the connection is closed`));
        else socket.write(request);
      }),
    isClosed: () => socket.destroyed,
    close() {
      socket.destroy();
    },
  };
}

const HEAD_END = "\r\n\r\n";

/** Status and lengths in bytes, once the head is complete. */
function parseHead(chunks: readonly Buffer[]): { status: number; bytes: number; total: number } | null {
  const start = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  const end = start.indexOf(HEAD_END);
  if (end === -1) return null;
  const text = start.toString("latin1", 0, end);
  const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
  if (length === undefined) throw new Error(`expected an answer with a content-length, got: ${text}`);
  const bytes = end + HEAD_END.length;
  return {
    status: Number(text.slice("HTTP/1.1 ".length, "HTTP/1.1 200".length)),
    bytes,
    total: bytes + Number(length),
  };
}
