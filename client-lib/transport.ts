import { Agent, request, type RequestOptions } from "node:http";
import type { ErrorBody } from "./protocol/errors.ts";
import { MAX_ENTRY_BODY_BYTES } from "./protocol/limits.ts";

/**
 * Nobody answered: the daemon is not running, stopped before it answered, or took too long. In the last two cases it
 * may have done what it was asked.
 */
export class DaemonUnavailableError extends Error {
  override readonly name = "DaemonUnavailableError";
  readonly code = "HD_UNAVAILABLE";
  /** The socket that was tried. */
  readonly socket: string;
  constructor(socket: string, { what, advice }: Trouble, options?: ErrorOptions) {
    super(`${what} (socket: ${socket}); ${advice}`, options);
    this.socket = socket;
  }
}

/** What came instead of an answer, and what helps. */
interface Trouble {
  what: string;
  advice: string;
}

/** The daemon refuses: its answer is not 2xx, or would not be. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly statusCode: number;
  /** One of the protocol's `ErrorCode`s, or one that a newer daemon added. */
  readonly code: string;
  constructor(statusCode: number, code: string, message: string) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
  }
}

export interface CallOptions {
  /** How long the whole call may take, in milliseconds. */
  timeoutMs?: number;
  /** Ends the wait: the call rejects with the signal's reason. The daemon may still do what it was asked. */
  signal?: AbortSignal;
}

export interface Call extends CallOptions {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  path: string;
  /** Sent as JSON; undefined for no body. */
  body?: unknown;
  /** The largest body that the route takes, in bytes; by default that of one entry. */
  maxBodyBytes?: number;
  /** Doing it twice leaves what doing it once leaves. */
  repeatable: boolean;
}

export interface Answer<T> {
  statusCode: number;
  body: T;
}

export interface Transport {
  /**
   * One request, and its answer where that is 2xx. `T` is what the protocol promises for it.
   * @throws ApiError, DaemonUnavailableError, or the reason of `signal`
   */
  call<T>(call: Call): Promise<Answer<T>>;
  /** Closes every connection. Calls under way reject with DaemonUnavailableError. */
  close(): void;
}

/** More calls at once wait for a connection: hundreds of them would only fill the daemon's queue. */
const MAX_CONNECTIONS = 32;

/** HTTP and JSON over the daemon's socket, on connections that are kept. */
export function createTransport(options: { socket: string; timeoutMs: number }): Transport {
  const { socket } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS });

  async function exchange(call: Call, signal: AbortSignal): Promise<RawAnswer> {
    const body = call.body === undefined ? null : toBody(call.body, call.maxBodyBytes);
    const once = (by: Agent | false): Promise<RawAnswer> =>
      send({ socketPath: socket, agent: by, method: call.method, path: call.path, signal }, body);
    try {
      return await once(agent);
    } catch (error) {
      // The daemon may close an idle connection at the moment a request is written to it. A new connection tells
      // whether it is there.
      if (call.repeatable && error instanceof ExchangeError && error.wasStale) return await once(false);
      throw error;
    }
  }

  return {
    async call<T>(call: Call) {
      const timeoutMs = call.timeoutMs ?? options.timeoutMs;
      const { signal } = call;
      signal?.throwIfAborted();
      const ending = new AbortController();
      const end = (): void => ending.abort();
      const timer = setTimeout(end, timeoutMs);
      signal?.addEventListener("abort", end, { once: true });
      try {
        return toAnswer<T>(await exchange(call, ending.signal), socket);
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof ExchangeError)) throw error;
        const trouble = ending.signal.aborted ? tooSlow(timeoutMs) : describe(error.cause);
        throw new DaemonUnavailableError(socket, trouble, { cause: error.cause });
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener("abort", end);
      }
    },
    close: () => agent.destroy(),
  };
}

/** What was read of an answer. */
export interface RawAnswer {
  statusCode: number;
  text: string;
}

/** No complete answer came. */
class ExchangeError extends Error {
  override readonly cause: NodeJS.ErrnoException;
  /** It failed on a kept connection before any answer, the way one does that the daemon has closed. */
  readonly wasStale: boolean;
  constructor(cause: NodeJS.ErrnoException, wasStale: boolean) {
    super(cause.message);
    this.cause = cause;
    this.wasStale = wasStale;
  }
}

/** The daemon cuts off a body that is too large, and its answer may be lost with the connection: so it is said here. */
function toBody(value: unknown, maxBytes = MAX_ENTRY_BODY_BYTES): Buffer {
  const body = Buffer.from(JSON.stringify(value));
  if (body.length <= maxBytes) return body;
  throw new ApiError(
    413,
    "HD_TOO_LARGE",
    `body: expected at most ${maxBytes} bytes of JSON, got ${body.length}`,
  );
}

function send(to: RequestOptions, body: Buffer | null): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const headers =
      body === null ? {} : { "content-type": "application/json", "content-length": body.length };
    const call = request({ ...to, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", (error) => reject(new ExchangeError(error, false)));
      response.on("end", () =>
        resolve({ statusCode: response.statusCode ?? 0, text: Buffer.concat(parts).toString("utf8") }),
      );
    });
    call.on("error", (error: NodeJS.ErrnoException) => {
      const closed = error.code === "ECONNRESET" || error.code === "EPIPE";
      reject(new ExchangeError(error, closed && call.reusedSocket));
    });
    call.end(body ?? undefined);
  });
}

/** @throws ApiError, DaemonUnavailableError */
export function toAnswer<T>({ statusCode, text }: RawAnswer, socket: string): Answer<T> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    const what = "what answers there is not historyd";
    throw new DaemonUnavailableError(socket, { what, advice: ANOTHER_SOCKET }, { cause });
  }
  if (statusCode >= 200 && statusCode < 300) return { statusCode, body: body as T };
  const { code, message } = (body ?? {}) as Partial<ErrorBody>;
  throw new ApiError(
    statusCode,
    code ?? "HD_INTERNAL",
    message ?? `historyd answered with status ${statusCode}`,
  );
}

const START = "start it with 'historyd &'";
const ANOTHER_SOCKET = "name the socket of your own with HISTORYD_SOCKET, or historyctl --socket";

/** What a broken connection means, and what helps. */
export function describe({ code, message }: NodeJS.ErrnoException): Trouble {
  switch (code) {
    case "ENOENT":
      return { what: "historyd is not running: its socket does not exist", advice: START };
    case "ECONNREFUSED":
      return { what: "historyd is not running: nobody listens on its socket", advice: START };
    case "EACCES":
    case "EPERM":
      return { what: "historyd's socket belongs to another user", advice: ANOTHER_SOCKET };
    default:
      return {
        what: `historyd closed the connection before it answered: ${message}`,
        advice: "its log says why; where it has stopped, start it again",
      };
  }
}

/** It is there, as far as we know: starting another one would not help. */
function tooSlow(timeoutMs: number): Trouble {
  return {
    what: `historyd did not answer within ${timeoutMs} ms`,
    advice: "allow it more time (historyctl --timeout), or see in its log what it is busy with",
  };
}
