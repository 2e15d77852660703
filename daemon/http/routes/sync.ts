import {
  Reconciliation,
  Reconciliations,
  ReconciliationsQuery,
  ReconcileRequest,
} from "../../../client-lib/protocol/reconcile.ts";
import { SyncAnswer, SyncStatus } from "../../../client-lib/protocol/sync.ts";
import type { SyncService } from "../../sync/service.ts";
import { ERRORS, type Server } from "./common.ts";

export interface SyncRoutes {
  sync: Pick<SyncService, "status" | "syncNow" | "totals" | "reconcile" | "reconciliations">;
}

const TAGS = ["sync"];

export function registerSyncRoutes(server: Server, { sync }: SyncRoutes): void {
  server.get(
    "/v1/sync",
    { schema: { tags: TAGS, summary: "State of sync", response: { 200: SyncStatus, ...ERRORS } } },
    () => sync.status(),
  );

  server.post(
    "/v1/sync",
    {
      schema: {
        tags: TAGS,
        summary: "Run a cycle now",
        description:
          "Answers when a cycle that began after the request has ended: with what it did, or with 503 `HD_SYNC_FAILED` and why it failed. Of a first sync it is one slice: `first_sync` says whether there is more. 409 `HD_SYNC_OFF` where no remote is configured.",
        response: { 200: SyncAnswer, ...ERRORS },
      },
    },
    async () => {
      const { uploaded, downloaded, conflicts, requests, duration_ms } = await sync.syncNow();
      const { state, pending, first_sync } = sync.status();
      return { uploaded, downloaded, conflicts, requests, duration_ms, state, pending, first_sync };
    },
  );

  server.get(
    "/v1/sync/reconcile",
    {
      schema: {
        tags: TAGS,
        summary: "The last comparisons of this machine with the remote",
        querystring: ReconciliationsQuery,
        response: { 200: Reconciliations, ...ERRORS },
      },
    },
    (request) => ({ reconciliations: sync.reconciliations(request.query.limit ?? 20) }),
  );

  server.post(
    "/v1/sync/reconcile",
    {
      schema: {
        tags: TAGS,
        summary: "Compare everything on both sides, and mend what differs",
        description:
          "Runs a cycle, then the comparison, and answers with its result. `repair: false` only looks; `content: true` compares contents too; the body may be left out. 503 `HD_SYNC_FAILED` where either could not be done, 409 `HD_SYNC_OFF` where no remote is configured.",
        body: ReconcileRequest,
        response: { 200: Reconciliation, ...ERRORS },
      },
      // Without a body everything is as by default.
      preValidation: (request, _reply, done) => {
        if (request.body === undefined) request.body = {};
        done();
      },
    },
    async (request) => {
      const { content = false, repair = true } = request.body;
      return sync.reconcile({ content, repair });
    },
  );
}
