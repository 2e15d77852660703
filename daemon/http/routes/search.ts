import { SearchAnswer, SearchQuery } from "../../../client-lib/protocol/history.ts";
import { DEFAULT_SEARCH_LIMIT } from "../../../client-lib/protocol/limits.ts";
import type { Server } from "../server.ts";
import { ERRORS, toFilter } from "./common.ts";
import type { HistoryRoutes } from "./history.ts";

export function registerSearchRoutes(server: Server, options: HistoryRoutes): void {
  const { search, perspective, now } = options;

  server.get(
    "/v1/search",
    {
      schema: {
        tags: ["history"],
        summary: "Search commands, answers, notes and tags",
        description:
          "Words match from their beginning, whatever their case and accents: `configuracao` finds `configuração`. Every character is text; nothing is a syntax error. Best results first.",
        querystring: SearchQuery,
        response: { 200: SearchAnswer, ...ERRORS },
      },
    },
    (request) => {
      const { q, limit = DEFAULT_SEARCH_LIMIT } = request.query;
      return { results: search.search(q, toFilter(request.query, perspective), limit, now()) };
    },
  );
}
