import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import swagger from "@fastify/swagger";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import Fastify, { type FastifyBaseLogger, type FastifyReply, LogController } from "fastify";
import { ERROR_CODES, type ErrorCode } from "../../client-lib/protocol/errors.ts";
import { MAX_ENTRY_BODY_BYTES } from "../../client-lib/protocol/limits.ts";
import { Strict } from "../../client-lib/protocol/schema.ts";
import type { Timers } from "../core/timers.ts";
import { drainOnClose } from "./drain.ts";
import { ApiError, toApiError, toErrorBody } from "./errors.ts";
import { createEventStreams } from "./event-streams.ts";
import { takeJsonOnly } from "./json-body.ts";
import type { Server } from "./routes/common.ts";
import { type AuditRoutes, registerAuditRoutes } from "./routes/audit.ts";
import { type ConflictRoutes, registerConflictRoutes } from "./routes/conflicts.ts";
import { type EventRoutes, registerEventRoutes } from "./routes/events.ts";
import { type HistoryRoutes, registerHistoryRoutes } from "./routes/history.ts";
import { registerSearchRoutes, type SearchRoutes } from "./routes/search.ts";
import { registerStatusRoutes, type StatusRoutes } from "./routes/status.ts";
import { registerSyncRoutes, type SyncRoutes } from "./routes/sync.ts";
import { shorten, toProblem } from "./validation.ts";

export interface ServerOptions
  extends
    HistoryRoutes,
    SearchRoutes,
    StatusRoutes,
    SyncRoutes,
    ConflictRoutes,
    AuditRoutes,
    Pick<EventRoutes, "events"> {
  log: FastifyBaseLogger;
  timers: Timers;
  /** A client that takes longer to send its request is cut off: it holds a connection that others need. */
  requestTimeoutMs?: number;
  /** How long a server that closes waits for requests that are under way. */
  drainMs?: number;
}

/** The HTTP API, ready to listen. */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { validation, requestTimeoutMs = 30_000, drainMs = 10_000 } = options;
  const server: Server = Fastify({
    loggerInstance: options.log,
    // Fastify would log the URL, and with it what people search for.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_ENTRY_BODY_BYTES,
    requestTimeout: requestTimeoutMs,
    http: {
      // Node has 60 s for the headers, and where that is more than for the whole request it swaps the two.
      headersTimeout: requestTimeoutMs,
      // How often the timeout is looked at; by itself Node does so every 30 s.
      connectionsCheckingInterval: requestTimeoutMs / 10,
      // On a Unix socket it would say nothing, and shells write their requests by hand.
      requireHostHeader: false,
    },
    // What comes while requests are finished is answered as well: see drainOnClose.
    return503OnClosing: false,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 256 },
    frameworkErrors: (error, _request, reply: FastifyReply) => {
      void reply
        .status(400)
        .send(toErrorBody({ statusCode: 400, code: "HD_BAD_REQUEST", message: shorten(error.message) }));
    },
    clientErrorHandler: (error, socket) => {
      answerBadHttp(error, socket, requestTimeoutMs);
    },
  }).withTypeProvider<TypeBoxTypeProvider>();

  const streams = createEventStreams(options.timers);
  // Before the drain: streams have no end of their own that it could wait for.
  server.addHook("preClose", async () => {
    streams.close();
  });
  drainOnClose(server, drainMs, options.timers);
  takeJsonOnly(server);
  server.addHook("onRoute", (route) => {
    route.schema = { querystring: NOTHING, ...route.schema };
  });
  const takesNothing = validation.body(NOTHING);
  server.addHook("preValidation", (request, _reply, done) => {
    if (!request.is404) {
      checkEncoding(request.url);
      const { schema } = request.routeOptions;
      if (schema?.body === undefined && request.body != null && !takesNothing(request.body)) {
        throw new ApiError(400, "HD_INVALID", toProblem(takesNothing.errors ?? [], "body").message);
      }
    }
    done();
  });
  server.setValidatorCompiler(({ schema, httpPart }) =>
    httpPart === "body" ? validation.body(schema as object) : validation.text(schema as object),
  );
  server.setErrorHandler((error, request, reply) => {
    const invalid = toInvalid(error);
    const answer = invalid ?? toApiError(error);
    // Not a cycle that failed: sync has logged it, and its cause may quote what the remote sent back.
    const fields = { route: request.routeOptions.url, code: answer.code };
    if (answer.code === "HD_INTERNAL") request.log.error({ ...fields, err: error }, "a request failed");
    // On a full disk this is a line for every request: without a stack, which would say nothing more.
    if (answer.code === "HD_STORAGE") request.log.error(fields, answer.message);
    return reply.status(answer.statusCode).send(toErrorBody(answer));
  });
  server.setNotFoundHandler((request, reply) => {
    const [path = ""] = request.url.split("?", 1);
    const message = `${request.method} ${shorten(path)} is no route; GET /openapi.json lists them`;
    return reply.status(404).send(toErrorBody({ statusCode: 404, code: "HD_ROUTE_NOT_FOUND", message }));
  });
  server.addHook("onResponse", (request, reply, done) => {
    // The route's pattern, not the URL: an id or a search says what somebody typed.
    request.log.debug(
      {
        method: request.method,
        route: request.routeOptions.url,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
      },
      "request",
    );
    done();
  });

  await server.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "historyd",
        version: options.version,
        description: `One team's history of commands and answers, on this machine. Served on a Unix socket.\n\n${errorCodes()}`,
      },
    },
  });
  registerHistoryRoutes(server, options);
  registerSearchRoutes(server, options);
  registerSyncRoutes(server, options);
  registerConflictRoutes(server, options);
  registerAuditRoutes(server, options);
  registerStatusRoutes(server, options);
  registerEventRoutes(server, { ...options, streams });
  server.get("/openapi.json", { schema: { hide: true } }, () => server.swagger());
  await server.ready();
  return server;
}

/** For the description, in Markdown. */
function errorCodes(): string {
  const lines = Object.entries(ERROR_CODES).map(([code, meaning]) => `- \`${code}\`: ${meaning}`);
  return `Every answer that is not 2xx has a \`code\` whose meaning never changes:\n\n${lines.join("\n")}`;
}

/** The query of a route that takes no parameter: one that comes is refused, and not dropped in silence. */
const NOTHING = Strict({});

/** Fastify takes a query that is not properly encoded as it stands, and would look for something else. */
function checkEncoding(url: string): void {
  const query = url.slice(url.indexOf("?") + 1);
  if (!query.includes("%")) return;
  try {
    decodeURIComponent(query);
  } catch {
    const message = `query: expected percent-encoded UTF-8, got ${shorten(query)}`;
    throw new ApiError(400, "HD_INVALID", message);
  }
}

/** A request that breaks its schema, as 400, or 413 where only its size is wrong. */
function toInvalid(error: unknown): { statusCode: number; code: ErrorCode; message: string } | null {
  if (
    typeof error !== "object" ||
    error === null ||
    !("validation" in error) ||
    !Array.isArray(error.validation)
  ) {
    return null;
  }
  const context = "validationContext" in error ? String(error.validationContext) : "body";
  const { message, tooLarge } = toProblem(error.validation, context === "querystring" ? "query" : context);
  return tooLarge
    ? { statusCode: 413, code: "HD_TOO_LARGE", message }
    : { statusCode: 400, code: "HD_INVALID", message };
}

/** What is not even HTTP never reaches a route. */
function answerBadHttp(error: Error & { code?: string }, socket: Socket, requestTimeoutMs: number): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const { statusCode, message } = describeBadHttp(error.code, requestTimeoutMs);
  const body = JSON.stringify(toErrorBody({ statusCode, code: "HD_BAD_REQUEST", message }));
  socket.end(
    `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode]}\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function describeBadHttp(
  code: string | undefined,
  requestTimeoutMs: number,
): { statusCode: number; message: string } {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return { statusCode: 408, message: `the request was not complete within ${requestTimeoutMs} ms` };
    case "HPE_HEADER_OVERFLOW":
      return { statusCode: 431, message: "the address and the headers together are too large" };
    default:
      return { statusCode: 400, message: "the request is not HTTP" };
  }
}
