import { Health, Stats, Status } from "../../../client-lib/protocol/status.ts";
import type { HistoryReads } from "../../store/history-reads.ts";
import { ERRORS, type Server } from "./common.ts";
import type { SyncRoutes } from "./sync.ts";

/** What this daemon knows of itself beside its history. */
export type OwnStatus = Omit<Status, "cache" | "sync" | "version" | "pid" | "uptime_ms"> & {
  cache: Pick<Status["cache"], "path" | "schema_version" | "size" | "wal_size">;
};

export interface StatusRoutes extends SyncRoutes {
  history: HistoryReads;
  version: string;
  pid: number;
  uptimeMs: () => number;
  ownStatus: () => OwnStatus;
}

const TAGS = ["daemon"];

export function registerStatusRoutes(server: Server, options: StatusRoutes): void {
  const { history, sync, ownStatus } = options;

  function identity(): { version: string; pid: number; uptime_ms: number } {
    return { version: options.version, pid: options.pid, uptime_ms: options.uptimeMs() };
  }

  function counts(): { total: number; synced: number; pending: number } {
    const { total, pending } = history.counts();
    return { total, synced: total - pending, pending };
  }

  server.get(
    "/v1/stats",
    {
      schema: {
        tags: TAGS,
        summary: "Counters in the shape the chat assistant reads",
        response: { 200: Stats, ...ERRORS },
      },
    },
    () => {
      const { state, last_sync } = sync.status();
      return { ...sync.totals(), cache: counts(), lastSync: last_sync, isSyncing: state === "syncing" };
    },
  );

  server.get(
    "/v1/status",
    {
      schema: {
        tags: TAGS,
        summary: "Everything about this daemon on one page",
        response: { 200: Status, ...ERRORS },
      },
    },
    () => {
      const own = ownStatus();
      return {
        ...identity(),
        ...own,
        cache: { ...own.cache, ...counts() },
        sync: sync.status(),
      };
    },
  );

  server.get(
    "/v1/health",
    {
      schema: {
        tags: TAGS,
        summary: "Liveness: the daemon accepts requests and its cache answers",
        response: { 200: Health, ...ERRORS },
      },
    },
    () => {
      history.counts();
      return { status: "ok" as const, ...identity() };
    },
  );
}
