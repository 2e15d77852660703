import { uuidv7 } from "uuidv7";
import {
  type PathEnvironment,
  processEnvironment,
  resolveHome,
  resolveSocket,
  spoolFolder,
} from "./paths.ts";
import type { AuditPage, AuditQuery } from "./protocol/audit.ts";
import type { Conflict, ConflictPage, ConflictQuery, Resolution } from "./protocol/conflict.ts";
import type { Entry, EntryPatch, NewEntry } from "./protocol/entry.ts";
import { readEvents } from "./event-stream.ts";
import type { EventType, StreamEvent } from "./protocol/events.ts";
import type {
  EntryPage,
  ListQuery,
  Purged,
  SearchAnswer,
  SearchQuery,
  StoredBatch,
} from "./protocol/history.ts";
import { MAX_BATCH_BODY_BYTES, MAX_TIME_MS } from "./protocol/limits.ts";
import type {
  ReconcileRequest,
  Reconciliation,
  Reconciliations,
  ReconciliationsQuery,
} from "./protocol/reconcile.ts";
import type { Health, Stats, Status } from "./protocol/status.ts";
import type { SyncAnswer, SyncStatus } from "./protocol/sync.ts";
import { createSpool } from "./spool.ts";
import {
  type Answer,
  ApiError,
  type Call,
  type CallOptions,
  createTransport,
  DaemonUnavailableError,
} from "./transport.ts";

export interface ClientOptions {
  /** The daemon's socket. By default where the daemon puts it: see `resolveSocket`. */
  socket?: string;
  /** The daemon's folder, whose `spool/` takes entries while it is away. By default `HISTORYD_HOME` or `~/.mcp-terminal`. */
  home?: string;
  /** How long a call may take, in milliseconds, unless the call says otherwise: 5,000, 120,000 for `sync`, and 600,000 for `reconcile`. */
  timeoutMs?: number;
  /** The variables to look at, instead of the process's own. */
  env?: PathEnvironment;
}

/** Where a recorded entry is: with the daemon, or on disk until the daemon takes it in. Both survive a crash. */
export type RecordResult =
  /** `created` is false where the daemon had that id with that content already. */
  { stored: "daemon"; entry: Entry; created: boolean } | { stored: "spool"; id: string };

export type BatchResult =
  /** In the order sent; `created` counts those that were new. */
  { stored: "daemon"; entries: Entry[]; created: number } | { stored: "spool"; ids: string[] };

/**
 * Typed calls of the daemon. Shapes and units are the wire's own: `snake_case`, times in integer milliseconds since
 * the epoch, ids as UUID text.
 *
 * Every call rejects with `DaemonUnavailableError` where nobody answers (but for the two that record), `ApiError`
 * where the daemon refuses (its `code` says why), or the reason of `signal` where that is aborted.
 */
export interface Client {
  /** The socket this client speaks to. */
  readonly socket: string;
  /**
   * Records an entry. It always carries an id (made here, UUIDv7, where it has none) and the time it was typed (the
   * one in a UUIDv7 where it has none), so that it is stored exactly once even when the answer was lost and the spool
   * takes it a second time. It goes to the spool where the daemon is unavailable, is stopping or cannot write.
   * What the daemon refuses when it takes the spool in, it keeps in `spool/rejected` and logs.
   * @throws ApiError for an entry that the daemon refuses (4xx), SpoolError where the disk refuses as well
   */
  record(entry: NewEntry, options?: CallOptions): Promise<RecordResult>;
  /**
   * Records 1 to 1,000 entries, all or nothing with the daemon, one by one in the spool.
   * @throws as `record`
   */
  recordBatch(entries: readonly NewEntry[], options?: CallOptions): Promise<BatchResult>;
  /** A page of entries, newest first; pass `next_cursor` as `cursor` with the same filters for the next one. */
  list(query?: ListQuery, options?: CallOptions): Promise<EntryPage>;
  /** One entry, a deleted one included. @throws ApiError `HD_NOT_FOUND` */
  get(id: string, options?: CallOptions): Promise<Entry>;
  /** Replaces the given fields. @throws ApiError `HD_NOT_FOUND`, `HD_DELETED` */
  edit(id: string, patch: EntryPatch, options?: CallOptions): Promise<Entry>;
  /** Deletes softly: `restore` undoes it for 30 days. @throws ApiError `HD_NOT_FOUND` */
  remove(id: string, options?: CallOptions): Promise<Entry>;
  /** @throws ApiError `HD_NOT_FOUND`, `HD_RESTORE_EXPIRED` */
  restore(id: string, options?: CallOptions): Promise<Entry>;
  /** Erases the entry's content everywhere; nothing undoes it. @throws ApiError `HD_NOT_FOUND` */
  purge(id: string, options?: CallOptions): Promise<Purged>;
  /** Entries that match `q`, best first. */
  search(query: SearchQuery, options?: CallOptions): Promise<SearchAnswer>;
  /** Runs a sync cycle and resolves with what it did. @throws ApiError `HD_SYNC_OFF`, `HD_SYNC_FAILED` */
  sync(options?: CallOptions): Promise<SyncAnswer>;
  /** State of sync. */
  syncStatus(options?: CallOptions): Promise<SyncStatus>;
  /** A page of conflicts, newest first, open ones unless the query says otherwise; paged like `list`. */
  conflicts(query?: ConflictQuery, options?: CallOptions): Promise<ConflictPage>;
  /**
   * Gives the field of the record the chosen value, and closes the conflict.
   * @throws ApiError `HD_NOT_FOUND`, `HD_GONE`, `HD_DELETED`, `HD_OMITTED`, `HD_RESTORE_EXPIRED`
   */
  resolveConflict(id: string, resolution: Resolution, options?: CallOptions): Promise<Conflict>;
  /** A page of what was changed, by whom, newest first; paged like `list`. */
  audit(query?: AuditQuery, options?: CallOptions): Promise<AuditPage>;
  /** Compares everything with the remote, and mends what differs. @throws ApiError as `sync` */
  reconcile(request?: ReconcileRequest, options?: CallOptions): Promise<Reconciliation>;
  /** The last comparisons, newest first. */
  reconciliations(query?: ReconciliationsQuery, options?: CallOptions): Promise<Reconciliations>;
  /**
   * What happens, as it happens; the state of sync first. Ends when the daemon stops; leaving the loop, or the
   * signal, ends it here. Events are not kept: after a break, ask for what you show anew.
   * @throws as every call, also later, where the connection breaks or nothing comes for 45 s
   */
  events(options?: EventsOptions): AsyncIterable<StreamEvent>;
  /** Counters in the shape that the chat assistant reads. */
  stats(options?: CallOptions): Promise<Stats>;
  /** Everything about the daemon. */
  status(options?: CallOptions): Promise<Status>;
  /** Liveness. */
  health(options?: CallOptions): Promise<Health>;
  /** Waits for entries that are being recorded, then closes all connections; other calls under way reject. */
  close(): Promise<void>;
}

export interface EventsOptions {
  /** Only these; by default all. */
  types?: readonly EventType[];
  signal?: AbortSignal;
}

const DEFAULT_TIMEOUT_MS = 5_000;
/** A cycle speaks to the remote, and the first one may move the whole history. */
const SYNC_TIMEOUT_MS = 120_000;
/** A comparison may read the whole history, on both sides. */
const RECONCILE_TIMEOUT_MS = 600_000;

/**
 * Nothing is opened before the first call, and an idle client does not keep a program running.
 * @throws Error where neither the options nor the variables say where the socket is
 */
export function createClient(options: ClientOptions = {}): Client {
  const paths: PathEnvironment = { ...(options.env ?? processEnvironment()) };
  if (options.home !== undefined) paths.HISTORYD_HOME = options.home;
  if (options.socket !== undefined) paths.HISTORYD_SOCKET = options.socket;
  const socket = resolveSocket(paths);
  const transport = createTransport({ socket, timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS });
  const spool = createSpool(() => spoolFolder(resolveHome(paths)));
  const recording = new Set<Promise<unknown>>();

  async function call<T>(
    method: Call["method"],
    path: string,
    callOptions: CallOptions = {},
    body?: object,
  ): Promise<T> {
    // Every call made here may be repeated: it reads, replaces whole fields, or asks for a state.
    const answer = await transport.call<T>({ ...callOptions, method, path, body, repeatable: true });
    return answer.body;
  }

  /** Sends what is to be stored, and spools it where the daemon cannot take it. Null where it went to the spool. */
  async function store<T>(
    path: string,
    body: object,
    entries: NewEntry[],
    callOptions: Partial<Call> = {},
  ): Promise<Answer<T> | null> {
    try {
      return await transport.call<T>({ ...callOptions, method: "POST", path, body, repeatable: true });
    } catch (error) {
      if (!mayTakeItLater(error)) throw error;
      await spool.append(entries);
      return null;
    }
  }

  async function untilStored<T>(work: Promise<T>): Promise<T> {
    recording.add(work);
    try {
      return await work;
    } finally {
      recording.delete(work);
    }
  }

  async function record(entry: NewEntry, callOptions?: CallOptions): Promise<RecordResult> {
    const sent = identify(entry);
    const answer = await store<Entry>("/v1/history", sent, [sent], callOptions);
    if (answer === null) return { stored: "spool", id: sent.id };
    return { stored: "daemon", entry: answer.body, created: answer.statusCode === 201 };
  }

  async function recordBatch(entries: readonly NewEntry[], callOptions?: CallOptions): Promise<BatchResult> {
    const sent = entries.map(identify);
    const answer = await store<StoredBatch>("/v1/history/batch", { entries: sent }, sent, {
      ...callOptions,
      maxBodyBytes: MAX_BATCH_BODY_BYTES,
    });
    if (answer === null) return { stored: "spool", ids: sent.map(({ id }) => id) };
    return { stored: "daemon", ...answer.body };
  }

  const entryPath = (id: string): string => `/v1/history/${encodeURIComponent(id)}`;

  return {
    socket,
    record: (entry, callOptions) => untilStored(record(entry, callOptions)),
    recordBatch: (entries, callOptions) => untilStored(recordBatch(entries, callOptions)),
    list: (query = {}, callOptions) => call("GET", `/v1/history${toQueryString(query)}`, callOptions),
    get: (id, callOptions) => call("GET", entryPath(id), callOptions),
    edit: (id, patch, callOptions) => call("PATCH", entryPath(id), callOptions, patch),
    remove: (id, callOptions) => call("DELETE", entryPath(id), callOptions),
    restore: (id, callOptions) => call("POST", `${entryPath(id)}/restore`, callOptions),
    purge: (id, callOptions) => call("POST", `${entryPath(id)}/purge`, callOptions),
    search: (query, callOptions) => call("GET", `/v1/search${toQueryString(query)}`, callOptions),
    sync: (callOptions) =>
      call("POST", "/v1/sync", { timeoutMs: options.timeoutMs ?? SYNC_TIMEOUT_MS, ...callOptions }),
    syncStatus: (callOptions) => call("GET", "/v1/sync", callOptions),
    conflicts: (query = {}, callOptions) =>
      call("GET", `/v1/sync/conflicts${toQueryString(query)}`, callOptions),
    resolveConflict: (id, resolution, callOptions) =>
      call("POST", `/v1/sync/conflicts/${encodeURIComponent(id)}/resolve`, callOptions, resolution),
    audit: (query = {}, callOptions) => call("GET", `/v1/audit${toQueryString(query)}`, callOptions),
    reconcile: (request = {}, callOptions) => {
      const timeoutMs = options.timeoutMs ?? RECONCILE_TIMEOUT_MS;
      return call("POST", "/v1/sync/reconcile", { timeoutMs, ...callOptions }, request);
    },
    reconciliations: (query = {}, callOptions) =>
      call("GET", `/v1/sync/reconcile${toQueryString(query)}`, callOptions),
    events: ({ types, signal } = {}) =>
      readEvents({ socket, path: `/v1/events${toQueryString({ types: types?.join(",") })}`, signal }),
    stats: (callOptions) => call("GET", "/v1/stats", callOptions),
    status: (callOptions) => call("GET", "/v1/status", callOptions),
    health: (callOptions) => call("GET", "/v1/health", callOptions),
    async close() {
      await Promise.allSettled(recording);
      transport.close();
    },
  };
}

/** The daemon is not there, or says that it stored nothing and that this need not last. */
function mayTakeItLater(error: unknown): boolean {
  if (error instanceof DaemonUnavailableError) return true;
  return error instanceof ApiError && (error.code === "HD_STORAGE" || error.code === "HD_STOPPING");
}

/**
 * Gives the entry what makes it the same entry whenever it arrives. The time comes from its id: a caller who sends an
 * entry again under the id it had then sends the same entry again, not one with another time.
 */
function identify(entry: NewEntry): NewEntry & { id: string } {
  const id = entry.id ?? uuidv7();
  const timestamp = entry.timestamp ?? timeOf(id);
  return { ...entry, id, ...(timestamp === null ? {} : { timestamp }) };
}

/** RFC 9562, section 5.7: the first 48 bits of version 7 are milliseconds since the epoch. */
function timeOf(id: string): number | null {
  if (id[14] !== "7") return null;
  const timeMs = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  return timeMs <= MAX_TIME_MS ? timeMs : null;
}

function toQueryString(query: Readonly<Record<string, string | number | undefined>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  return parameters.size === 0 ? "" : `?${parameters.toString()}`;
}
