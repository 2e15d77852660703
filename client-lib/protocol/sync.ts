import Type, { type Static } from "typebox";
import { Reconciliation } from "./reconcile.ts";
import { NullableInteger, NullableText, NullableTime, OneOf, Strict, Time } from "./schema.ts";

const SYNC_STATES = ["waiting", "syncing", "synced", "diverged", "offline", "error"] as const;

export const SyncState = OneOf(
  SYNC_STATES,
  "`waiting`: not synchronised yet, or nothing to synchronise with; `syncing`: a cycle runs; `synced`: the last cycle succeeded; `diverged`: the last comparison found differences that were not mended, see `last_reconcile`; `offline`: the remote cannot be reached; `error`: the remote refuses us, see `last_error`",
);
export type SyncState = Static<typeof SyncState>;

const count = Type.Integer({ minimum: 0 });

const revision = (description: string) =>
  Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description });

/** A new machine fills its cache backwards, newest entries first; null once nothing is left to fill. */
export const FirstSync = Type.Union([
  Strict({
    progress: Type.Number({ minimum: 0, maximum: 1, description: "the share of the revisions that is here" }),
    from: revision("the newest revision when it began"),
    below: revision("everything from this revision up to `from` is here"),
  }),
  Type.Null(),
]);
export type FirstSync = Static<typeof FirstSync>;

/** What one cycle (pull, push, and pull again where a push was refused) did. */
export const CycleResult = Strict({
  uploaded: count,
  downloaded: count,
  conflicts: count,
  requests: Type.Integer({ minimum: 0, description: "requests sent to the remote" }),
  duration_ms: Type.Number({ minimum: 0 }),
});
export type CycleResult = Static<typeof CycleResult>;

/** The answer of `POST /v1/sync`: the cycle that ran for it, and what is left to send. */
export const SyncAnswer = Strict({
  ...CycleResult.properties,
  state: SyncState,
  pending: Type.Integer({ minimum: 0, description: "records still to send" }),
  first_sync: FirstSync,
});
export type SyncAnswer = Static<typeof SyncAnswer>;

/** The answer of `GET /v1/sync`. */
export const SyncStatus = Strict({
  enabled: Type.Boolean({ description: "false when no remote is configured or sync is switched off" }),
  state: SyncState,
  reason: NullableText(4096, "why it is in this state, in words"),
  remote: NullableText(4096, "address of the remote, without credentials"),
  interval_ms: count,
  last_sync: NullableTime("end of the last successful cycle"),
  last_attempt: NullableTime("start of the last attempt"),
  next_attempt: NullableTime("when the next attempt is planned"),
  consecutive_failures: count,
  last_error: Type.Union([
    Strict({
      code: Type.String(),
      message: Type.String(),
      at: Type.Integer({ minimum: 0 }),
    }),
    Type.Null(),
  ]),
  pending: Type.Integer({ minimum: 0, description: "records still to send" }),
  parked: Type.Integer({
    minimum: 0,
    description: "of those, records that the remote does not take; tried again at the next start",
  }),
  set_aside: Type.Integer({
    minimum: 0,
    description: "received records this version cannot read; kept, and retried after an upgrade",
  }),
  oldest_pending: NullableTime("when the oldest record still to send was queued"),
  cursor: Type.Integer({ minimum: 0, description: "the last revision applied here" }),
  remote_rev: NullableInteger(
    { minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    "the newest revision seen on the remote",
  ),
  last_cycle: Type.Union([CycleResult, Type.Null()]),
  first_sync: FirstSync,
  stalled: Type.Union([
    Strict({
      since: Time("the first cycle after which the queue had not moved"),
      reason: Type.String({ description: "what does not move, and what was done about it, in words" }),
    }),
    Type.Null(),
  ]),
  last_reconcile: Type.Union([Reconciliation, Type.Null()]),
});
export type SyncStatus = Static<typeof SyncStatus>;
