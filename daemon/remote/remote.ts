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
  epoch: string;
  cursor: number;
  records: SyncRecord[];
  node: NodeReport;
}

export interface PushAnswer {
  /** The counter of revisions just before and just after this push, in its transaction. */
  revBefore: number;
  revAfter: number;
  /** What the server holds now of the records that were sent. Where `hlc` is ours, ours was applied. */
  held: { id: string; rev: number; hlc: string }[];
}

/** The shared database, as sync sees it. Every call is one request, and may throw `RemoteError`. */
export interface Remote {
  /** Creates or migrates the shared tables where needed. Safe on many machines at once. */
  prepare(signal: AbortSignal): Promise<void>;
  pull(request: PullRequest, signal: AbortSignal): Promise<PullAnswer>;
  push(request: PushRequest, signal: AbortSignal): Promise<PushAnswer>;
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
