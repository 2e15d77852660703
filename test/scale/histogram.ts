/** Times counted by size, so that hundreds of thousands of them fit into one line between two processes. */
export interface Histogram {
  add(ms: number): void;
  merge(buckets: Buckets): void;
  /** Pairs of a bucket's upper end, in ms, and how many times fell into it. */
  buckets(): Buckets;
  /** The upper end of the bucket that `percent` of the times do not exceed; null without times. */
  percentile(percent: number): number | null;
}

export type Buckets = [upToMs: number, count: number][];

/** What a percentile may be too high by. */
const WIDTH_MS = 10;

export function createHistogram(): Histogram {
  const counts = new Map<number, number>();
  const count = (upToMs: number, times: number): void => {
    counts.set(upToMs, (counts.get(upToMs) ?? 0) + times);
  };
  return {
    add(ms) {
      count(Math.max(1, Math.ceil(ms / WIDTH_MS)) * WIDTH_MS, 1);
    },
    merge(buckets) {
      for (const [upToMs, times] of buckets) count(upToMs, times);
    },
    buckets: () => [...counts],
    percentile(percent) {
      const sorted = [...counts].toSorted(([a], [b]) => a - b);
      let left = (sorted.reduce((sum, [, times]) => sum + times, 0) * percent) / 100;
      for (const [upToMs, times] of sorted) {
        left -= times;
        if (left <= 0) return upToMs;
      }
      return null;
    },
  };
}
