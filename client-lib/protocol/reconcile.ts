import Type, { type Static } from "typebox";
import { NullableText, OneOf, Strict, Text, Time } from "./schema.ts";

const count = Type.Integer({ minimum: 0 });

/** One side of a comparison: how many records, and a digest of their revisions that is equal where they are. */
const Side = Strict({
  count,
  digest: Type.String({ description: "equal on both sides where they hold the same" }),
});

export const ReconcileOutcome = OneOf(
  ["equal", "mended", "differs", "failed"],
  "`equal`: both sides hold the same; `mended`: they differed, and do no longer; `differs`: what differs was left as it is; `failed`: the comparison did not come to its end, see `error`",
);
export type ReconcileOutcome = Static<typeof ReconcileOutcome>;

/** One comparison of everything this machine may see with what the remote holds. */
export const Reconciliation = Strict({
  started_at: Time("when it began"),
  reason: Text(256, { description: "why it was made: `asked`, `daily`, …" }),
  content: Type.Boolean({ description: "true: contents were compared, not only revisions" }),
  repair: Type.Boolean({ description: "true: what differed was to be mended" }),
  outcome: ReconcileOutcome,
  compared: Type.Integer({ minimum: 0, description: "records compared" }),
  local: Side,
  remote: Side,
  missing_here: Type.Integer({ minimum: 0, description: "records that only the remote had" }),
  missing_there: Type.Integer({ minimum: 0, description: "records that only this machine had" }),
  differing: Type.Integer({ minimum: 0, description: "records that both had, and not the same" }),
  mended: Type.Integer({ minimum: 0, description: "of all those, the ones that were mended" }),
  requests: Type.Integer({ minimum: 0, description: "requests sent to the remote" }),
  duration_ms: Type.Number({ minimum: 0 }),
  error: NullableText(4096, "why it failed"),
});
export type Reconciliation = Static<typeof Reconciliation>;

/** What `POST /v1/sync/reconcile` may be told; both may be left out, and the body with them. */
export const ReconcileRequest = Strict({
  content: Type.Optional(
    Type.Boolean({ default: false, description: "compare contents too: slower, and finds damage" }),
  ),
  repair: Type.Optional(Type.Boolean({ default: true, description: "mend what differs" })),
});
export type ReconcileRequest = Static<typeof ReconcileRequest>;

export const ReconciliationsQuery = Strict({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
});
export type ReconciliationsQuery = Static<typeof ReconciliationsQuery>;

/** The answer of `GET /v1/sync/reconcile`, newest first. */
export const Reconciliations = Strict({ reconciliations: Type.Array(Reconciliation) });
export type Reconciliations = Static<typeof Reconciliations>;
