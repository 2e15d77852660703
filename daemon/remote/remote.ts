import type { SyncRecord } from "../core/record.ts";

/**
 * The version of the protocol this historyd speaks. The remote's `meta.min_protocol` refuses pushes of lower ones.
 */
export const PROTOCOL_VERSION = 1;

/** Whose records a pull selects: everything global, this machine's own, and the user's own. */
export interface Selection {
  machineId: string;
  user: string | null;
}

export interface PullRequest {
  /** The last revision applied here. */
  cursor: number;
  /** Most records in the answer. */
  limit: number;
  /** Bytes of bodies after which the answer ends; the first record always comes. */
  maxBytes: number;
  selection: Selection;
}

/** A record as it was pulled: it has a revision, and may be withdrawn from this machine's sight. */
export interface PulledRecord extends SyncRecord {
  rev: number;
  /** False for a record that was edited so that this machine may no longer see it; it comes without a body. */
  visible: boolean;
}

export interface PullAnswer {
  epoch: string;
  /** Newest revision on the server, in the same snapshot as the records. */
  serverRev: number;
  /** The server's clock, ms since the epoch. */
  serverTimeMs: number;
  gcFloor: number;
  minProtocol: number;
  /** In revision order. */
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
  records: SyncRecord[];
  node: NodeReport;
}

export interface PushAnswer {
  /** The counter of revisions after this push, in its transaction. */
  revAfter: number;
  /** What the server holds now of the records that were sent. Where `hlc` is ours, ours was applied. */
  held: { id: string; rev: number; hlc: string }[];
}

/** The shared database, as sync sees it. Every call but `prepare` is one request; any may throw `RemoteError`. */
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
  constructor(kind: RemoteErrorKind, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
    this.code = code;
  }
}
