import { AuditPage, AuditQuery } from "../../../client-lib/protocol/audit.ts";
import { DEFAULT_LIST_LIMIT } from "../../../client-lib/protocol/limits.ts";
import type { AuditReads } from "../../store/audit.ts";
import { createCursor } from "../cursor.ts";
import { ERRORS, type Server } from "./common.ts";

export interface AuditRoutes {
  audit: AuditReads;
}

export function registerAuditRoutes(server: Server, { audit }: AuditRoutes): void {
  const cursors = createCursor("a1");

  server.get(
    "/v1/audit",
    {
      schema: {
        tags: ["history"],
        summary: "Who changed what, newest first",
        description:
          "Edits, deletes, restores, purges and settled conflicts, in the order in which this machine did or learned of them. Names of fields, never their values; recording an entry is not a change. The newest 100,000 are kept.",
        querystring: AuditQuery,
        response: { 200: AuditPage, ...ERRORS },
      },
    },
    (request) => {
      const { record, action, since, limit = DEFAULT_LIST_LIMIT, cursor } = request.query;
      const filter = { record: record?.toLowerCase(), action, since };
      const { events, next } = audit.list(filter, limit, cursors.parse(cursor));
      return { events, next_cursor: cursors.format(next) };
    },
  );
}
