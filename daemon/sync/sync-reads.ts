import type { Reads } from "../store/store.ts";

/** What the loop looks at in the cache. */
export interface SyncReads {
  meta: Pick<Reads["meta"], "get">;
  outbox: Pick<Reads["outbox"], "first" | "depth" | "parked" | "oldest">;
  setAside: Pick<Reads["setAside"], "count">;
  reconciliations: Reads["reconciliations"];
}
