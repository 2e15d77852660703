import { SearchAnswer, SearchQuery } from "../../../client-lib/protocol/history.ts";
import { DEFAULT_SEARCH_LIMIT } from "../../../client-lib/protocol/limits.ts";
import type { Search } from "../../store/search.ts";
import { ERRORS, type Perspective, toFilter, type Server } from "./common.ts";

export interface SearchRoutes {
  search: Search;
  perspective: Perspective;
  now: () => number;
}

export function registerSearchRoutes(server: Server, options: SearchRoutes): void {
  const { search, perspective, now } = options;

  server.get(
    "/v1/search",
    {
      schema: {
        tags: ["history"],
        summary: "Search commands, answers, notes and tags",
        description:
          "Words match from their beginning, whatever their case and accents: `configuracao` finds `configuração`. Every character is text; nothing is a syntax error. Best results first, and fewer than `limit` where they hold more than 16 Mi (2^24) characters of text.",
        querystring: SearchQuery,
        response: { 200: SearchAnswer, ...ERRORS },
      },
    },
    async (request) => {
      const { q, limit = DEFAULT_SEARCH_LIMIT } = request.query;
      return { results: await search.search(q, toFilter(request.query, perspective), limit, now()) };
    },
  );
}
