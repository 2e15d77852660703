import { type Client, createClient, type InArgs, LibsqlError, type ResultSet } from "@libsql/client/http";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { Agent, request as httpRequest } from "undici";
import type { Row, SqlExecutor } from "./executor.ts";
import { RemoteError } from "./remote.ts";

export interface LibsqlOptions {
  /** http:, https: or libsql: address, without credentials. */
  url: string;
  /** Read anew for each connection, so that a rotated token is taken up. Null: none. */
  token: () => string | null;
  /** A request without an answer is given up after this; the client library itself would wait for ever. */
  timeoutMs: number;
}

/** Runs statements on a libSQL server over HTTP. */
export function createLibsqlExecutor(options: LibsqlOptions): SqlExecutor {
  let connection: { client: Client; agent: Agent } | null = null;
  let requestSignal: AbortSignal | null = null;
  /** The status of the last answer: the library tells it with some of its errors and not with others. */
  let lastStatus: number | null = null;
  let lastRetryAfterMs: number | null = null;

  function connect(): { client: Client; agent: Agent } {
    const authToken = options.token();
    // Connections of our own, so that they can be thrown away: after a broken link a pooled one may look alive and
    // swallow every request until its timeout.
    const agent = new Agent({ connections: 1, connectTimeout: options.timeoutMs });
    const client = createClient({
      url: options.url,
      ...(authToken === null ? {} : { authToken }),
      // As numbers, one integer that is too large would make every page with it fail.
      intMode: "bigint",
      fetch: (request: Request) => send(request, agent),
    });
    return { client, agent };
  }

  /** The library offers no way to pass a signal with a request. Requests here are made one after another. */
  async function send(request: Request, dispatcher: Agent): Promise<Response> {
    const timeout = AbortSignal.timeout(options.timeoutMs);
    const { url, method, headers } = request;
    const signal = requestSignal === null ? timeout : AbortSignal.any([timeout, requestSignal]);
    try {
      const answer = await httpRequest(url, {
        method: method as "GET" | "POST",
        headers: { ...Object.fromEntries(headers), "accept-encoding": "gzip" },
        body: method === "GET" ? null : Buffer.from(await request.arrayBuffer()),
        dispatcher,
        signal,
      });
      lastStatus = answer.statusCode;
      lastRetryAfterMs = toRetryAfterMs(headerOf(answer.headers["retry-after"]));
      const body = await unpack(await answer.body.arrayBuffer(), answer.headers["content-encoding"]);
      const type = headerOf(answer.headers["content-type"]);
      return new Response(hasNoBody(answer.statusCode) ? null : body, {
        status: answer.statusCode,
        ...(type === null ? {} : { headers: { "content-type": type } }),
      });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      // As `fetch` does, of whatever the network, TLS or the packing of an answer fails with.
      throw new TypeError("the request failed", { cause: error });
    }
  }

  async function run<T>(signal: AbortSignal, work: (client: Client) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    requestSignal = signal;
    lastStatus = null;
    lastRetryAfterMs = null;
    try {
      connection ??= connect();
      return await work(connection.client);
    } catch (error) {
      // After a failed first request the library's client is closed for good; a new one also reads the token again.
      disconnect();
      if (signal.aborted) throw signal.reason;
      throw toRemoteError(error, options.timeoutMs, lastStatus, lastRetryAfterMs);
    } finally {
      requestSignal = null;
    }
  }

  function disconnect(): void {
    connection?.client.close();
    void connection?.agent.destroy();
    connection = null;
  }

  return {
    batch: (mode, statements, signal) =>
      run(signal, async (open) => {
        const results = await open.batch(
          statements.map(({ sql, args }) => ({ sql, args: args as InArgs })),
          mode,
        );
        return results.map(toRows);
      }),
    script: (sql, signal) => run(signal, (open) => open.executeMultiple(sql)),
    close: disconnect,
  };
}

/** What an answer may unpack to. A page of records at their limits has some 15 MB. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

const gunzipBytes = promisify(gunzip);

/** In one go: piece by piece, as `fetch` does it, a page of records takes several times as long. */
async function unpack(
  body: ArrayBuffer,
  encoding: string | string[] | undefined,
): Promise<ArrayBuffer | Buffer> {
  if (encoding !== "gzip") return body;
  return gunzipBytes(body, { chunkSize: 1024 * 1024, maxOutputLength: MAX_ANSWER_BYTES });
}

function headerOf(value: string | string[] | undefined): string | null {
  return (Array.isArray(value) ? value[0] : value) ?? null;
}

function hasNoBody(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

function toRows({ columns, rows }: ResultSet): Row[] {
  return rows.map((values) => {
    const row: Row = {};
    for (let index = 0; index < columns.length; index++) row[columns[index]!] = toValue(values[index]);
    return row;
  });
}

/** An integer that no number holds exactly stays readable, as text: whoever wants an integer there will refuse it. */
function toValue(value: unknown): unknown {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (typeof value !== "bigint") return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

/** What our triggers raise: a code, a space, a sentence. */
const GUARD = /\b(HD_[A-Z_]+) ([^"]*)/;

/** Error codes of SQLite that pass by themselves: another writer holds the lock. */
const BUSY = /^SQLITE_(BUSY|LOCKED)/;

/**
 * What `@libsql/client` throws, by class: its own errors, the network's as bare `TypeError`, a page that is not JSON as
 * `SyntaxError`.
 * @param status of the answer, where there was one
 */
function toRemoteError(
  error: unknown,
  timeoutMs: number,
  status: number | null,
  retryAfterMs: number | null,
): RemoteError {
  if (error instanceof RemoteError) return error;
  if (!(error instanceof Error)) return new RemoteError("rejected", "HD_REMOTE_REJECTED", String(error));
  if (error instanceof LibsqlError)
    return fromLibsql(error, status !== null && status >= 400 ? status : null, retryAfterMs);
  if (error.name === "TimeoutError" || error.name === "AbortError") {
    const message = `the remote did not answer within ${timeoutMs} ms`;
    return new RemoteError("unreachable", "HD_REMOTE_TIMEOUT", message, { cause: error });
  }
  if (error instanceof SyntaxError) return notLibsql(error);
  if (isNetworkError(error)) {
    const message = `the remote cannot be reached (${rootCause(error)})`;
    return new RemoteError("unreachable", "HD_REMOTE_UNREACHABLE", message, { cause: error });
  }
  const message = `the remote's answer could not be read (${error.name})`;
  return new RemoteError("rejected", "HD_REMOTE_REJECTED", message, { cause: error });
}

/** RFC 9110, section 10.2.3, in seconds; the other form, a date, says nothing to a clock that may be wrong. */
function toRetryAfterMs(header: string | null): number | null {
  return header !== null && /^\d{1,6}$/.test(header.trim()) ? Number(header) * 1000 : null;
}

/** `fetch` throws a bare TypeError for whatever the network does, undici and the system errors with codes. */
function isNetworkError(error: Error): boolean {
  return error instanceof TypeError || ("code" in error && /^(UND_ERR_|E[A-Z]+$)/.test(String(error.code)));
}

function fromLibsql(error: LibsqlError, status: number | null, retryAfterMs: number | null): RemoteError {
  const options = { cause: error, retryAfterMs };
  const guard = GUARD.exec(error.message);
  if (guard !== null) return new RemoteError("guard", guard[1]!, guard[2]!.trim(), options);
  if (status === 401 || status === 403) {
    const message = `the remote refuses the token (HTTP ${status}): it is missing, wrong or expired; set TURSO_AUTH_TOKEN or TURSO_AUTH_TOKEN_FILE and restart`;
    return new RemoteError("unauthorized", "HD_REMOTE_UNAUTHORIZED", message, options);
  }
  if (status === 429 || status === 408 || (status !== null && status >= 500)) {
    return new RemoteError("busy", "HD_REMOTE_BUSY", `the remote cannot serve now (HTTP ${status})`, options);
  }
  if (status !== null) return notLibsql(error, status);
  if (BUSY.test(error.code) || /transaction timed? ?-?out|database is locked/i.test(error.message)) {
    return new RemoteError("busy", "HD_REMOTE_BUSY", "the remote is locked by another writer", options);
  }
  if (error.code === "HRANA_PROTO_ERROR") return notLibsql(error);
  if (/HRANA_WEBSOCKET|HRANA_CLOSED|CLIENT_CLOSED|SERVER_ERROR/.test(error.code)) {
    return new RemoteError(
      "unreachable",
      "HD_REMOTE_UNREACHABLE",
      "the connection to the remote broke",
      options,
    );
  }
  return new RemoteError(
    "rejected",
    "HD_REMOTE_REJECTED",
    `the remote refuses the request (${error.code})`,
    options,
  );
}

function notLibsql(cause: Error, status?: number): RemoteError {
  const what = status === undefined ? "with something" : `HTTP ${status}`;
  const message = `the address answers ${what} that is not libSQL: a captive portal, a proxy, or a wrong URL`;
  return new RemoteError("unreachable", "HD_REMOTE_NOT_LIBSQL", message, { cause });
}

/** The most telling code in a chain of causes: `ECONNREFUSED`. Never a message: it may hold what was sent. */
function rootCause(error: Error): string {
  let best = error.name;
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ("code" in at && typeof at.code === "string") best = at.code;
  }
  return best;
}
