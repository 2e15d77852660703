import type { SyncRecord } from "../core/record.ts";
import type { Revisions, RevisionBucket } from "../core/revisions.ts";
import type { Selection } from "../core/selection.ts";

/**
 * The version of the protocol this historyd speaks. The remote's `meta.min_protocol` refuses pushes of lower ones.
 */
export const PROTOCOL_VERSION = 2;

/** A point of the remote's history, by random name. */
export interface Mark {
  rev: number;
  mark: string;
}

/** Most records in one answer, and the bytes of bodies after which it ends; the first record always comes. */
export interface PageLimits {
  records: number;
  bytes: number;
}

export interface PullRequest {
  /** The last revision applied here. */
  cursor: number;
  selection: Selection;
  page: PageLimits;
  /** The newest mark this machine has seen; null: none yet. */
  mark: Mark | null;
}

/** A record as it was pulled: it has a revision, and may be withdrawn from this machine's sight. */
export interface PulledRecord extends SyncRecord {
  rev: number;
  /** False for a record that was edited so that this machine may no longer see it; it comes without a body. */
  visible: boolean;
}

/** What the remote says of itself, and of this machine, with every answer. */
export interface RemoteFacts {
  epoch: string;
  /** Newest revision on the server, in the same snapshot as the records. */
  serverRev: number;
  /** The server's clock, ms since the epoch. */
  serverTimeMs: number;
  /** Of records deleted before `collectedBefore` (ms since the epoch), none is left with this revision or a lower one. */
  gcFloor: number;
  collectedBefore: number;
  minProtocol: number;
  /** Whether the remote's history has the mark of the request; true where the request had none. */
  knowsMark: boolean;
  newestMark: Mark | null;
  /** The newest of those that the remote never forgets. */
  keptMark: Mark | null;
  /** The last push under this machine's id, whoever made it. */
  node: { incarnation: string; pushSeq: number; pushId: string } | null;
}

export interface PullAnswer extends RemoteFacts {
  /** In revision order: the oldest above the cursor. */
  records: PulledRecord[];
  /** Whether these are all the selected records up to `serverRev`. */
  complete: boolean;
}

/** What the remote keeps of each machine; sent along with every push. */
export interface NodeReport {
  machineId: string;
  incarnation: string;
  hostname: string;
  version: string;
  pushSeq: number;
  pushId: string;
  queueDepth: number;
  now: number;
}

export interface PushRequest {
  /** The epoch that this machine knows: a push to another database is refused. */
  epoch: string;
  /** May be empty: then only the node's report is written. */
  records: SyncRecord[];
  node: NodeReport;
  /** The number of the last push that this machine knows to have arrived, and the ids that may be the last one's. */
  acknowledgedSeq: number;
  pushIds: readonly string[];
}

export interface PushAnswer {
  /** The counter of revisions after this push, and the newest mark, in its transaction. */
  revAfter: number;
  markAfter: Mark | null;
  /** What the server holds now of the records that were sent. Where `hlc` and `digest` are ours, ours was applied. */
  held: { id: string; rev: number; hlc: string; digest: string | null }[];
}

/** Part of the remote's revisions: above `after`, up to `upto`. */
export interface RevisionRange {
  after: number;
  upto: number;
}

/** How old, in ms, a deleted record is when its content goes, and when the rest of it goes. */
export interface TombstoneAges {
  contentMs: number;
  recordMs: number;
}

/**
 * The shared database, as sync sees it. Every call but `prepare` is one request; any may throw `RemoteError`.
 *
 * Every answer that carries records is one snapshot: the facts, the records and the sums in it belong together.
 */
export interface Remote {
  /** Creates or migrates the shared tables where needed. Safe on many machines at once. */
  prepare(signal: AbortSignal): Promise<void>;
  pull(request: PullRequest, signal: AbortSignal): Promise<PullAnswer>;
  /**
   * A pull and a push in one transaction. The pulled page is that of the moment just before the push: what is pushed
   * does not come back with it, and its `serverRev` is that of this moment.
   */
  exchange(
    pull: PullRequest,
    push: PushRequest,
    signal: AbortSignal,
  ): Promise<PullAnswer & { pushed: PushAnswer }>;
  /** A page of the selected records below a revision, the newest first; `complete` where there are no older ones. */
  fill(request: PullRequest, below: number, signal: AbortSignal): Promise<PullAnswer>;
  /** These records as they are now. Those that are neither here nor in `rest` do not exist. */
  fetch(
    request: PullRequest,
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<RemoteFacts & { records: PulledRecord[]; rest: string[] }>;
  /**
   * The newest of these marks that the remote's history has, and the revision from which on it has forgotten none:
   * not that of the oldest mark, for a young history begins where it does without having forgotten anything.
   */
  findMark(marks: readonly Mark[], signal: AbortSignal): Promise<{ common: number | null; oldest: number }>;
  /**
   * A pull, and beside it, of the same snapshot, the selected revisions in each range: counts and sums by buckets of
   * `width`. @param content whether the digests of contents are summed too
   */
  sum(
    request: PullRequest,
    ranges: readonly RevisionRange[],
    width: number,
    content: boolean,
    signal: AbortSignal,
  ): Promise<PullAnswer & { buckets: RevisionBucket[] }>;
  /** A pull, and beside it, of the same snapshot, the selected revisions in each range one by one. */
  list(
    request: PullRequest,
    ranges: readonly RevisionRange[],
    content: boolean,
    signal: AbortSignal,
  ): Promise<PullAnswer & { revisions: Revisions }>;
  /**
   * Takes the content from records that were deleted long ago, and removes those deleted longer ago still; `gc_floor`
   * rises with it. Does nothing where any machine did so within a day.
   */
  collect(ages: TombstoneAges, signal: AbortSignal): Promise<void>;
  close(): void;
}

/**
 * - `unreachable`: nothing answered, or something that is not libSQL (refused, reset, timed out, a captive portal)
 * - `busy`: the remote answered that it cannot serve now (429, 5xx, locked)
 * - `unauthorized`: the token is missing, wrong or expired
 * - `guard`: the remote refuses this machine's claims; `code` says which (`HD_PROTO`, `HD_EPOCH`, …)
 * - `rejected`: the remote refuses the request itself
 */
export type RemoteErrorKind = "unreachable" | "busy" | "unauthorized" | "guard" | "rejected";

/** Why a call to the remote failed. The message never holds credentials, SQL or anything a person typed. */
export class RemoteError extends Error {
  override readonly name = "RemoteError";
  readonly kind: RemoteErrorKind;
  readonly code: string;
  /** How long the remote asked us to wait, in ms; null where it did not. */
  readonly retryAfterMs: number | null;
  constructor(
    kind: RemoteErrorKind,
    code: string,
    message: string,
    options: ErrorOptions & { retryAfterMs?: number | null } = {},
  ) {
    super(message, options);
    this.kind = kind;
    this.code = code;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}
