import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "./processes.ts";

/** An answer the proxy gives by itself: a captive portal's page, 401, 429, 502 … */
export interface CannedResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * What is wrong with the network. Byte counts are those of one request, or of one answer, with its head; a shorter
 * message passes untouched.
 *
 * - `pass`: nothing.
 * - `refuse`: nobody listens on the port; open connections are reset.
 * - `reset`: every connection is reset as soon as it is accepted; open ones are reset at once.
 * - `dropResponse`: the lost answer. The server answers, and the client's connection is reset before any byte of it.
 * - `stall`: nothing moves and connections stay open; what waits goes on with the next fault that is set, unless its
 *   client has gone by then.
 * - `halfOpen`: the peer has vanished. Connections are accepted and never answered, not even their end, and those
 *   that were open then or are opened meanwhile stay so.
 * - `resetAfterRequestBytes`, `resetAfterResponseBytes`: both ends are reset once so many bytes have passed. A client
 *   on Node that reads the bytes and the reset together reports an orderly end ("other side closed").
 * - `truncate`: the answer ends in good order after so many bytes.
 * - `respond`: the server is not asked.
 * - `latencyMs`: every request and every part of an answer is delayed by this, so a round trip by twice this.
 */
export type Fault =
  | "pass"
  | "refuse"
  | "reset"
  | "dropResponse"
  | "stall"
  | "halfOpen"
  | { readonly resetAfterRequestBytes: number }
  | { readonly resetAfterResponseBytes: number }
  | { readonly truncate: number }
  | { readonly respond: CannedResponse }
  | { readonly latencyMs: number };

export interface FaultProxyCounters {
  /** Accepted connections, and how many of them are open. */
  readonly connections: number;
  readonly openConnections: number;
  /** Complete requests from clients, whatever became of them. */
  readonly requests: number;
  readonly bytesToServer: number;
  /** Bytes from the server and of canned answers. */
  readonly bytesToClient: number;
  readonly droppedResponses: number;
}

/** Looks at the text of a request's body. In JSON a line break in SQL is `\n`, and a quote is `\"`. */
export type BodyMatch = (body: string) => boolean;

/** A proxy on 127.0.0.1. Every method is a closure, so `onTestFinished(proxy.close)` works. */
export interface FaultProxy {
  readonly url: string;
  readonly port: number;
  readonly fault: Fault;
  /** A snapshot. */
  readonly counters: FaultProxyCounters;
  /** Resolves when the fault is in force for open and new connections. */
  readonly set: (fault: Fault) => Promise<void>;
  /**
   * Loses the answer to the next matching request that is forwarded, under any fault; every other one is served.
   * `dropped` resolves when the server has answered it and the client's connection is reset.
   */
  readonly dropNextResponse: (match?: BodyMatch) => {
    readonly dropped: Promise<void>;
    readonly cancel: () => void;
  };
  /** Resolves with the body of the next matching request that reaches the proxy, whatever becomes of it. */
  readonly nextRequest: (match?: BodyMatch) => Promise<string>;
  /** Destroys every connection and stops listening. */
  readonly close: () => Promise<void>;
}

/**
 * Starts an HTTP/1.1 proxy in front of a port of 127.0.0.1. It forwards a request once it has all of it, and bytes of
 * an answer as they come. One client connection is one server connection, made when there is something to forward.
 */
export async function startFaultProxy(options: {
  readonly targetPort: number;
  /** By default a free one. */
  readonly port?: number;
}): Promise<FaultProxy> {
  const state: State = {
    targetPort: options.targetPort,
    fault: "pass",
    counters: { connections: 0, requests: 0, bytesToServer: 0, bytesToClient: 0, droppedResponses: 0 },
    drops: new Set(),
    watchers: new Set(),
    links: new Set(),
  };
  let server: Server | undefined;
  const listen = async (onPort: number): Promise<void> => {
    // A client's end is not answered by itself: a vanished peer does not.
    const starting = createServer(
      { allowHalfOpen: true, noDelay: true },
      (socket) => new Link(socket, state),
    );
    starting.listen(onPort, "127.0.0.1");
    await once(starting, "listening");
    server = starting;
  };
  const stopListening = async (): Promise<void> => {
    const stopping = server;
    server = undefined;
    if (stopping !== undefined) await new Promise((resolve) => stopping.close(resolve));
  };

  let port = options.port ?? (await freePort());
  for (let attempt = 1; server === undefined; attempt += 1) {
    try {
      await listen(port);
    } catch (error) {
      if (options.port !== undefined || attempt === 5) throw error;
      port = await freePort();
    }
  }

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    get fault() {
      return state.fault;
    },
    get counters() {
      return { ...state.counters, openConnections: state.links.size };
    },
    async set(fault) {
      state.fault = fault;
      for (const link of state.links) link.onFault();
      if (fault === "refuse") await stopListening();
      else if (server === undefined) await listen(port);
    },
    dropNextResponse(match = () => true) {
      let drop: Drop;
      const dropped = new Promise<void>((resolve) => {
        drop = { match, done: resolve };
        state.drops.add(drop);
      });
      return { dropped, cancel: () => void state.drops.delete(drop) };
    },
    nextRequest(match = () => true) {
      return new Promise((resolve) => state.watchers.add({ match, done: resolve }));
    },
    async close() {
      for (const link of state.links) link.reset();
      await stopListening();
    },
  };
}

interface Drop {
  readonly match: BodyMatch;
  readonly done: () => void;
}

interface State {
  readonly targetPort: number;
  fault: Fault;
  readonly counters: { -readonly [name in Exclude<keyof FaultProxyCounters, "openConnections">]: number };
  readonly drops: Set<Drop>;
  readonly watchers: Set<{ readonly match: BodyMatch; readonly done: (body: string) => void }>;
  readonly links: Set<Link>;
}

/** A client's connection, and the server connection made for it. */
class Link {
  readonly #client: Socket;
  readonly #state: State;
  #upstream: Socket | undefined;
  /** What the client has sent of its next request. */
  #received: Buffer = Buffer.alloc(0);
  /** What waits for a stall to end, in order. */
  #held: Array<() => void> = [];
  #vanished = false;
  #closed = false;
  /** Of the request in progress. Delays do not change within one, so that timers keep the order of its bytes. */
  #delayMs = 0;
  #drop: Drop | undefined;
  #answeredBytes = 0;

  constructor(client: Socket, state: State) {
    this.#client = client;
    this.#state = state;
    state.links.add(this);
    state.counters.connections += 1;
    client.on("data", (bytes) => this.#receive(bytes));
    client.on("error", () => {});
    client.on("end", () => {
      if (!this.#vanished) this.#destroy();
    });
    client.on("close", () => this.#destroy());
    this.onFault();
  }

  /** Applies what a new fault means for a connection that is already open. */
  onFault(): void {
    const { fault } = this.#state;
    if (fault === "reset" || fault === "refuse") return this.reset();
    if (fault === "halfOpen") {
      this.#vanished = true;
      this.#held = [];
      this.#upstream?.destroy();
    }
    const held = this.#held;
    this.#held = [];
    for (const step of held) this.#step(step);
  }

  reset(): void {
    this.#client.resetAndDestroy();
    this.#destroy();
  }

  #destroy(): void {
    this.#closed = true;
    this.#held = [];
    this.#state.links.delete(this);
    this.#client.destroy();
    this.#upstream?.destroy();
  }

  /** Everything that moves goes through here. */
  #step(step: () => void): void {
    if (this.#closed || this.#vanished) return;
    if (this.#state.fault === "stall") this.#held.push(() => this.#step(step));
    else step();
  }

  #later(step: () => void): void {
    if (this.#delayMs === 0) this.#step(step);
    else setTimeout(() => this.#step(step), this.#delayMs);
  }

  #receive(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    let request: HttpRequest | undefined;
    while ((request = takeRequest(this.#received)) !== undefined) {
      const { raw, body } = request;
      this.#received = this.#received.subarray(raw.length);
      this.#state.counters.requests += 1;
      for (const watcher of this.#state.watchers) {
        if (!watcher.match(body)) continue;
        this.#state.watchers.delete(watcher);
        watcher.done(body);
      }
      this.#step(() => this.#request(raw, body));
    }
  }

  #request(raw: Buffer, body: string): void {
    const { fault } = this.#state;
    if (typeof fault === "object" && "respond" in fault) return this.#respond(fault.respond);
    this.#delayMs = typeof fault === "object" && "latencyMs" in fault ? fault.latencyMs : 0;
    this.#later(() => this.#forward(raw, body));
  }

  #respond({ status, headers = {}, body = "" }: CannedResponse): void {
    const all = { "content-length": String(Buffer.byteLength(body)), connection: "close", ...headers };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    const answer = Buffer.from(`HTTP/1.1 ${status} Canned\r\n${lines.join("")}\r\n${body}`);
    this.#state.counters.bytesToClient += answer.length;
    this.#client.end(answer);
  }

  #forward(raw: Buffer, body: string): void {
    const { fault, counters, drops } = this.#state;
    const upstream = (this.#upstream ??= this.#connect());
    this.#answeredBytes = 0;
    if (
      typeof fault === "object" &&
      "resetAfterRequestBytes" in fault &&
      raw.length >= fault.resetAfterRequestBytes
    ) {
      const part = raw.subarray(0, fault.resetAfterRequestBytes);
      counters.bytesToServer += part.length;
      upstream.write(part, () => {
        upstream.resetAndDestroy();
        this.reset();
      });
      return;
    }
    this.#drop = [...drops].find((drop) => drop.match(body));
    if (this.#drop !== undefined) drops.delete(this.#drop);
    counters.bytesToServer += raw.length;
    upstream.write(raw);
  }

  #connect(): Socket {
    const upstream = connect({ port: this.#state.targetPort, host: "127.0.0.1", noDelay: true });
    upstream.on("data", (bytes) => this.#later(() => this.#answer(bytes)));
    upstream.on("end", () => this.#later(() => this.#client.end()));
    // A server that is not there or dies: its client sees the connection it has to the proxy break.
    upstream.on("error", () => this.#later(() => this.reset()));
    return upstream;
  }

  #answer(bytes: Buffer): void {
    const { fault, counters } = this.#state;
    if (fault === "dropResponse" || this.#drop !== undefined) {
      // The first byte is proof enough: the head of an answer tells how it went, so it is not sent before the end.
      counters.droppedResponses += 1;
      this.reset();
      this.#drop?.done();
      return;
    }
    if (this.#client.writableEnded) return;
    const limit = answerLimit(fault);
    const part = bytes.subarray(0, Math.max(0, limit - this.#answeredBytes));
    this.#answeredBytes += part.length;
    counters.bytesToClient += part.length;
    if (this.#answeredBytes < limit) this.#client.write(part);
    else if (typeof fault === "object" && "truncate" in fault) this.#client.end(part);
    else this.#client.write(part, () => this.reset());
  }
}

function answerLimit(fault: Fault): number {
  if (typeof fault !== "object") return Infinity;
  if ("truncate" in fault) return fault.truncate;
  return "resetAfterResponseBytes" in fault ? fault.resetAfterResponseBytes : Infinity;
}

interface HttpRequest {
  /** Head and body as they came. */
  readonly raw: Buffer;
  readonly body: string;
}

/**
 * The first request in the bytes, when all of it is there. Its end is found as in RFC 9112 section 6.3; trailers of a
 * chunked body, which no client here sends, are not understood.
 */
function takeRequest(bytes: Buffer): HttpRequest | undefined {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd === -1) return undefined;
  const head = bytes.toString("latin1", 0, headEnd);
  const bodyStart = headEnd + 4;
  if (!/^transfer-encoding:.*chunked/im.test(head)) {
    const end = bodyStart + Number(/^content-length:\s*(\d+)/im.exec(head)?.[1] ?? 0);
    if (bytes.length < end) return undefined;
    return { raw: bytes.subarray(0, end), body: bytes.toString("utf8", bodyStart, end) };
  }
  const chunks: Buffer[] = [];
  for (let at = bodyStart; ;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    const start = lineEnd + 2;
    at = start + size + 2;
    // Also when the size is not a number: such a request never becomes complete.
    if (!(bytes.length >= at)) return undefined;
    if (size === 0) return { raw: bytes.subarray(0, at), body: Buffer.concat(chunks).toString("utf8") };
    chunks.push(bytes.subarray(start, start + size));
  }
}
