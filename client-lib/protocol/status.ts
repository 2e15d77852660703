import Type, { type Static } from "typebox";
import { Mode } from "./entry.ts";
import { NullableText, NullableTime, Strict } from "./schema.ts";
import { SyncStatus } from "./sync.ts";

const count = Type.Integer({ minimum: 0 });

/**
 * The answer of `GET /v1/stats`. The chat assistant reads exactly this shape, which is older than the rest of the
 * API: hence the camel case. The four counters start at zero with the daemon.
 */
export const Stats = Strict({
  uploaded: count,
  downloaded: count,
  conflicts: count,
  errors: count,
  cache: Strict({
    total: Type.Integer({ minimum: 0, description: "entries in the cache that are not deleted" }),
    synced: Type.Integer({ minimum: 0, description: "of those, the ones the remote has as they are" }),
    pending: Type.Integer({ minimum: 0, description: "of those, the ones still to send" }),
  }),
  lastSync: NullableTime("end of the last successful cycle"),
  isSyncing: Type.Boolean(),
});
export type Stats = Static<typeof Stats>;

/** The answer of `GET /v1/health`: the daemon accepts requests and its cache answers. */
export const Health = Strict({
  status: Type.Literal("ok"),
  version: Type.String(),
  pid: count,
  uptime_ms: count,
});
export type Health = Static<typeof Health>;

/** The answer of `GET /v1/status`: everything about this daemon on one page. Sizes are bytes. */
export const Status = Strict({
  version: Type.String(),
  pid: count,
  started_at: count,
  uptime_ms: count,
  node: Type.String({ description: "version of Node.js it runs on" }),
  home: Type.String(),
  socket: Type.String(),
  log_level: Type.String(),
  machine: Strict({
    id: Type.String(),
    hostname: Type.String(),
    former_id: NullableText(4096, "the id it had before it turned out to be a copy of a machine in use"),
  }),
  user: NullableText(4096, "the configured user"),
  mode: Mode,
  cache: Strict({
    path: Type.String(),
    schema_version: count,
    size: Type.Integer({ minimum: 0, description: "of cache.db" }),
    wal_size: Type.Integer({ minimum: 0, description: "of its write-ahead log" }),
    total: count,
    synced: count,
    pending: count,
  }),
  spool: Strict({
    files: Type.Integer({ minimum: 0, description: "spool files not fully taken in yet" }),
    taken: Type.Integer({ minimum: 0, description: "entries taken in since the daemon started" }),
    rejected: Type.Integer({
      minimum: 0,
      description: "lines set aside in spool/rejected since the daemon started",
    }),
  }),
  memory: Strict({ rss: count, heap_used: count }),
  sync: SyncStatus,
});
export type Status = Static<typeof Status>;
