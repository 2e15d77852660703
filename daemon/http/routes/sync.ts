import { SyncAnswer, SyncStatus } from "../../../client-lib/protocol/sync.ts";
import type { SyncService } from "../../sync/service.ts";
import { ERRORS, type Server } from "./common.ts";

export interface SyncRoutes {
  sync: Pick<SyncService, "status" | "syncNow" | "totals">;
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
          "Answers when a cycle that began after the request has ended: with what it did, or with 503 `HD_SYNC_FAILED` and why it failed. 409 `HD_SYNC_OFF` where no remote is configured.",
        response: { 200: SyncAnswer, ...ERRORS },
      },
    },
    async () => {
      const { uploaded, downloaded, conflicts, requests, duration_ms } = await sync.syncNow();
      const { state, pending } = sync.status();
      return { uploaded, downloaded, conflicts, requests, duration_ms, state, pending };
    },
  );
}
