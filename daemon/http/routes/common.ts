import type { IncomingMessage, ServerResponse } from "node:http";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from "fastify";
import { ErrorBody } from "../../../client-lib/protocol/errors.ts";
import type { Mode } from "../../../client-lib/protocol/entry.ts";
import type { ListQuery, SearchQuery } from "../../../client-lib/protocol/history.ts";
import type { HistoryFilter } from "../../store/filters.ts";
import { ApiError } from "../errors.ts";

/** The server as routes see it: their schemas type their requests. */
export type Server = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** The error answers of every route, for the description. */
export const ERRORS = { "4xx": ErrorBody, "5xx": ErrorBody };

/** Through whose eyes requests look, unless they say otherwise. */
export interface Perspective {
  machineId: string;
  user: string | null;
  mode: Mode;
}

/** The filters of a query, with the lens resolved. @throws ApiError 400 where the lens needs a user and has none */
export function toFilter(
  query: ListQuery | SearchQuery,
  { machineId, user, mode }: Perspective,
): HistoryFilter {
  const filter: HistoryFilter = {
    mode: query.mode ?? mode,
    viewer: { machineId, user: query.user ?? user },
    user: query.user,
    machine: query.machine,
    session: query.session,
    cwd: query.cwd,
    kind: query.kind,
    tag: query.tag,
    exit_code: query.exit_code,
    since: query.since,
    until: query.until,
  };
  if (filter.mode === "user" && filter.viewer.user === null) {
    throw new ApiError(
      400,
      "HD_INVALID",
      "query.mode: 'user' needs a user; send the parameter 'user', or configure one (MCP_USER)",
    );
  }
  return filter;
}
