import Type, { type Static } from "typebox";
import { ReconcileOutcome } from "./reconcile.ts";
import { OneOf, Strict, Uuid } from "./schema.ts";
import { SyncStatus } from "./sync.ts";

export const EVENT_TYPES = ["sync", "entry", "conflict", "reconcile"] as const;
export type EventType = (typeof EVENT_TYPES)[number];

const oneType = `(${EVENT_TYPES.join("|")})`;

export const EventsQuery = Strict({
  types: Type.Optional(
    Type.String({
      pattern: `^${oneType}(,${oneType})*$`,
      description: `only these events, separated by commas: ${EVENT_TYPES.join(", ")}; all by default`,
    }),
  ),
});
export type EventsQuery = Static<typeof EventsQuery>;

const { state, pending, first_sync } = SyncStatus.properties;

/** Sent on connecting, and whenever one of these changes. */
export const SyncEvent = Strict({ state, pending, first_sync });
export type SyncEvent = Static<typeof SyncEvent>;

const EntryEvent = Strict({
  id: Uuid,
  action: OneOf(
    ["recorded", "changed", "received"],
    "`recorded`: new on this machine; `changed`: edited, deleted or restored here; `received`: it came, or a change of it, from the remote",
  ),
});

const ConflictEvent = Strict({
  id: Type.String({ description: "id of the conflict record" }),
  record_id: Type.String({ description: "id of the entry" }),
  field: Type.String(),
});

const ReconcileEvent = Strict({ outcome: ReconcileOutcome });

/** One event of `GET /v1/events`: its name, and what its `data` lines hold as JSON. */
export const StreamEvent = Type.Union([
  Strict({ type: Type.Literal("sync"), data: SyncEvent }),
  Strict({ type: Type.Literal("entry"), data: EntryEvent }),
  Strict({ type: Type.Literal("conflict"), data: ConflictEvent }),
  Strict({ type: Type.Literal("reconcile"), data: ReconcileEvent }),
]);
export type StreamEvent = Static<typeof StreamEvent>;
