import { connect, type Socket } from "node:net";
import type { Answer } from "../support/daemon.ts";

/** A bare connection to a Unix socket: for what no HTTP client would send. */
export interface Wire {
  readonly socket: Socket;
  /** Everything received so far. */
  readonly received: () => string;
  /** Resolves with everything received, once it matches. */
  until(pattern: RegExp): Promise<string>;
  /** Resolves with everything received, when the other side has ended the connection. */
  readonly ended: Promise<string>;
}

export async function openWire(path: string): Promise<Wire> {
  const socket = connect({ path, allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  let text = "";
  socket.setEncoding("utf8");
  const watchers = new Set<() => void>();
  socket.on("data", (chunk: string) => {
    text += chunk;
    for (const look of watchers) look();
  });
  const ended = new Promise<string>((resolve) => {
    const end = (): void => {
      resolve(text);
      socket.destroy();
    };
    socket.once("end", end);
    socket.once("close", end);
    // A reset is an end as well; what came before it is what counts.
    socket.on("error", end);
  });
  return {
    socket,
    received: () => text,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!pattern.test(text)) return;
          watchers.delete(look);
          resolve(text);
        };
        watchers.add(look);
        void ended.then(() => {
          if (!pattern.test(text)) reject(new Error(`the connection ended before ${pattern}: ${text}`));
        });
        look();
      }),
    ended,
  };
}

/** Sends the text, leaves the connection open, and resolves with all that came until the other side ended it. */
export async function sendRaw(path: string, text: string): Promise<string> {
  const wire = await openWire(path);
  wire.socket.write(text);
  return wire.ended;
}

/** The last answer in what was received: its status and its body, which must be JSON. */
export function parseAnswer(received: string): Answer {
  const start = received.lastIndexOf("HTTP/1.1 ");
  const [head = "", ...rest] = received.slice(start).split("\r\n\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
  return { status, body: JSON.parse(rest.join("\r\n\r\n")) };
}
