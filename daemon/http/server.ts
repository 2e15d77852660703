import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import swagger from "@fastify/swagger";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import Fastify, { type FastifyBaseLogger, type FastifyReply, LogController } from "fastify";
import type { ErrorCode } from "../../client-lib/protocol/errors.ts";
import { MAX_ENTRY_BODY_BYTES } from "../../client-lib/protocol/limits.ts";
import { toApiError, toErrorBody } from "./errors.ts";
import type { Server } from "./routes/common.ts";
import { type HistoryRoutes, registerHistoryRoutes } from "./routes/history.ts";
import { registerSearchRoutes, type SearchRoutes } from "./routes/search.ts";
import { registerStatusRoutes, type StatusRoutes } from "./routes/status.ts";
import { registerSyncRoutes, type SyncRoutes } from "./routes/sync.ts";
import { toProblem, type Validation } from "./validation.ts";

export interface ServerOptions extends HistoryRoutes, SearchRoutes, StatusRoutes, SyncRoutes {
  log: FastifyBaseLogger;
  validation: Validation;
}

/** A client that takes longer to send its request is cut off: it holds a connection that others need. */
const REQUEST_TIMEOUT_MS = 30_000;

/** The HTTP API, ready to listen. */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { validation } = options;
  const server: Server = Fastify({
    loggerInstance: options.log,
    // Fastify would log the URL, and with it what people search for.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_ENTRY_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: "idle",
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 256 },
    frameworkErrors: (error, _request, reply: FastifyReply) => {
      void reply
        .status(400)
        .send(toErrorBody({ statusCode: 400, code: "HD_BAD_REQUEST", message: error.message }));
    },
    clientErrorHandler: answerBadHttp,
  }).withTypeProvider<TypeBoxTypeProvider>();

  server.setValidatorCompiler(({ schema, httpPart }) =>
    httpPart === "body" ? validation.body(schema as object) : validation.text(schema as object),
  );
  server.setErrorHandler((error, request, reply) => {
    const invalid = toInvalid(error);
    const answer = invalid ?? toApiError(error);
    if (answer.statusCode >= 500) {
      request.log.error(
        { err: error, route: request.routeOptions.url, code: answer.code },
        "a request failed",
      );
    }
    return reply.status(answer.statusCode).send(toErrorBody(answer));
  });
  server.setNotFoundHandler((request, reply) => {
    const [path] = request.url.split("?", 1);
    const message = `${request.method} ${path} is no route; GET /openapi.json lists them`;
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
        description: "One team's history of commands and answers, on this machine. Served on a Unix socket.",
      },
    },
  });
  registerHistoryRoutes(server, options);
  registerSearchRoutes(server, options);
  registerSyncRoutes(server, options);
  registerStatusRoutes(server, options);
  server.get("/openapi.json", { schema: { hide: true } }, () => server.swagger());
  await server.ready();
  return server;
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
function answerBadHttp(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const statusCode =
    error.code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : error.code === "HPE_HEADER_OVERFLOW" ? 431 : 400;
  const message =
    statusCode === 408
      ? `the request was not complete within ${REQUEST_TIMEOUT_MS} ms`
      : "the request is not HTTP";
  const body = JSON.stringify(toErrorBody({ statusCode, code: "HD_BAD_REQUEST", message }));
  socket.end(
    `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode]}\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
