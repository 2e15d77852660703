const DAY_MS = 24 * 60 * 60 * 1000;

export type Source = "global" | "user" | "machine";

/** How much an entry counts by the nearest lens it is seen through. */
const SOURCE_WEIGHTS: Record<Source, number> = { global: 0.3, user: 0.5, machine: 0.2 };

/** How much an entry counts by its age: the first step whose age it is under. */
const RECENCY_STEPS: readonly { underMs: number; weight: number }[] = [
  { underMs: DAY_MS, weight: 1 },
  { underMs: 7 * DAY_MS, weight: 0.8 },
  { underMs: 30 * DAY_MS, weight: 0.6 },
  { underMs: 90 * DAY_MS, weight: 0.4 },
  { underMs: Number.POSITIVE_INFINITY, weight: 0.2 },
];

/** The nearest lens through which an entry is seen by this user on this machine. */
export function sourceOf(
  entry: { machine_id: string; user: string | null },
  viewer: { machineId: string; user: string | null },
): Source {
  if (entry.user !== null && entry.user === viewer.user) return "user";
  return entry.machine_id === viewer.machineId ? "machine" : "global";
}

/**
 * The score of a search result: relevance, source and recency in equal parts of 1 where each is best.
 * @param textRelevance from 0 to 1
 */
export function score(textRelevance: number, source: Source, ageMs: number): number {
  const recency = RECENCY_STEPS.find((step) => ageMs < step.underMs)?.weight ?? 0;
  return textRelevance + SOURCE_WEIGHTS[source] + recency;
}

/**
 * Relevance from 0 to 1 out of SQLite's `bm25()`, which is negative and without bound: the more negative, the better.
 * @param best the lowest value among the candidates
 */
export function relevance(bm25: number, best: number): number {
  return best === 0 ? 0 : Math.max(0, bm25 / best);
}
