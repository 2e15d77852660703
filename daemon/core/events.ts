/** How a comparison of the two sides ended; `differs`: what differs was not mended. */
export type ReconcileOutcome = "equal" | "mended" | "differs" | "failed";

/** What the engine tells as it happens, each after the commit that made it true. */
export type EngineEvent =
  /** Entries came from the remote, or changed because of what came. */
  | { type: "entries"; ids: string[] }
  /** A field was changed on both sides; the other value is kept in the conflict record `id`. */
  | { type: "conflict"; id: string; record_id: string; field: string }
  /** This machine, or this cache, goes by another id from now on. */
  | { type: "identity"; machine_id: string; former_machine_id: string | null; reason: string }
  /** The remote is another database than it was, or an older copy of itself. */
  | { type: "remote"; change: "replaced" | "restored" }
  | { type: "reconciled"; outcome: ReconcileOutcome };

/** What one commit of a local change wrote. */
export interface Written {
  ids: string[];
  action: "recorded" | "changed";
}

/** Everything that the parts of this daemon tell one another. */
export type DaemonEvent =
  | EngineEvent
  | ({ type: "written" } & Written)
  /** What `GET /v1/sync` says may have changed. */
  | { type: "sync" };

/** Tells everyone who listens, at once and in the order of subscription. */
export interface EventBus<Event> {
  publish(event: Event): void;
  /** @returns ends the subscription; a second call does nothing */
  subscribe(listener: (event: Event) => void): () => void;
}

/** @param onError told what a listener threw: neither the publisher nor the other listeners see it */
export function createEventBus<Event>(onError: (error: unknown) => void): EventBus<Event> {
  const subscriptions = new Set<{ listener: (event: Event) => void }>();
  return {
    publish(event) {
      // A copy: who is added or removed meanwhile does not change who hears of this one.
      const listening = [...subscriptions];
      for (const subscription of listening) {
        try {
          subscription.listener(event);
        } catch (error) {
          onError(error);
        }
      }
    },
    subscribe(listener) {
      // An object of its own, so that one function may listen twice.
      const subscription = { listener };
      subscriptions.add(subscription);
      return () => {
        subscriptions.delete(subscription);
      };
    },
  };
}
