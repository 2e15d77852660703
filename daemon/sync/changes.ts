import type { EngineEvent } from "../core/events.ts";

/** What applying pulled records did. It is made anew by each piece of work that applies: one may run twice. */
export interface Changes {
  /** Entries that changed something here. */
  readonly entries: string[];
  readonly conflicts: { id: string; recordId: string; field: string }[];
  /** Records of any kind that changed something here. */
  downloaded: number;
}

export function noChanges(): Changes {
  return { entries: [], conflicts: [], downloaded: 0 };
}

/** What there is to tell of it. */
export function changesToEvents({ entries, conflicts }: Changes): EngineEvent[] {
  const told: EngineEvent[] = conflicts.map(({ id, recordId, field }) => ({
    type: "conflict",
    id,
    record_id: recordId,
    field,
  }));
  return entries.length === 0 ? told : [{ type: "entries", ids: entries }, ...told];
}
