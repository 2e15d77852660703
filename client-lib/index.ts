/** `historyd/client`: record, find and manage history from a program. Start with {@link createClient}. */
export { createClient } from "./client.ts";
export type { BatchResult, Client, ClientOptions, EventsOptions, RecordResult } from "./client.ts";
export type { PathEnvironment } from "./paths.ts";
export type { AuditEvent, AuditPage, AuditQuery } from "./protocol/audit.ts";
export type { Conflict, ConflictPage, ConflictQuery, Resolution } from "./protocol/conflict.ts";
export type { Entry, EntryKind, EntryPatch, Mode, NewEntry, Scope } from "./protocol/entry.ts";
export type { ErrorCode } from "./protocol/errors.ts";
export type { EventType, StreamEvent } from "./protocol/events.ts";
export type {
  EntryPage,
  ListQuery,
  Purged,
  SearchAnswer,
  SearchQuery,
  SearchResult,
} from "./protocol/history.ts";
export type { ReconcileRequest, Reconciliation, Reconciliations } from "./protocol/reconcile.ts";
export type { Health, Stats, Status } from "./protocol/status.ts";
export type { CycleResult, SyncAnswer, SyncState, SyncStatus } from "./protocol/sync.ts";
export { SpoolError } from "./spool.ts";
export { ApiError, DaemonUnavailableError } from "./transport.ts";
export type { CallOptions } from "./transport.ts";
