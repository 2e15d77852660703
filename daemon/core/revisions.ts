import { createHash } from "node:crypto";

/**
 * The revisions of one bucket in few numbers. A revision names one version of one record, so two sides hold the same
 * where their sets of revisions are the same: equal in number and in two sums.
 */
export interface RevisionBucket {
  /** `rev / width`, rounded down. */
  bucket: number;
  count: number;
  revs: bigint;
  /** Sum of `mixRevision`: revisions that differ, but add up to the same, show here. */
  mix: bigint;
  /** Sum of `contentNumber`; 0 where contents are not compared. */
  content: bigint;
}

/** Revisions one by one: the record's id and its content's number. */
export type Revisions = Map<number, { id: string; content: number }>;

/**
 * Primes just below 2^16. The product of two remainders stays below 2^32, so that a sum over 2^31 rows fits into
 * SQLite's 64 bits.
 */
export const MIX_PRIMES = [65_521, 65_519] as const;

/** What SQL computes as `(rev % 65521) * (rev % 65519)`. */
export function mixRevision(rev: number): bigint {
  return BigInt((rev % MIX_PRIMES[0]) * (rev % MIX_PRIMES[1]));
}

/** Hexadecimal digits of a digest that count: 40 bits, so that a sum over 2^23 rows fits into SQLite's 64 bits. */
export const CONTENT_DIGITS = 10;

/** A digest as a number that can be summed. @param digest where it is none (null, or something else than hex): 0 */
export function contentNumber(digest: string | null): number {
  return digest === null || !/^[0-9a-f]{64}$/.test(digest)
    ? 0
    : Number.parseInt(digest.slice(0, CONTENT_DIGITS), 16);
}

/** Buckets added up, from revisions one by one. */
export function sumRevisions(revisions: Revisions, width: number): RevisionBucket[] {
  const buckets = new Map<number, RevisionBucket>();
  for (const [rev, { content }] of revisions) {
    const bucket = Math.floor(rev / width);
    const sum = buckets.get(bucket) ?? { bucket, count: 0, revs: 0n, mix: 0n, content: 0n };
    sum.count += 1;
    sum.revs += BigInt(rev);
    sum.mix += mixRevision(rev);
    sum.content += BigInt(content);
    buckets.set(bucket, sum);
  }
  return [...buckets.values()];
}

/** The buckets that are not the same on both sides. */
export function differingBuckets(
  ours: readonly RevisionBucket[],
  theirs: readonly RevisionBucket[],
): number[] {
  const left = new Map(ours.map((bucket) => [bucket.bucket, toText(bucket)]));
  const right = new Map(theirs.map((bucket) => [bucket.bucket, toText(bucket)]));
  const all = new Set([...left.keys(), ...right.keys()]);
  return [...all].filter((bucket) => left.get(bucket) !== right.get(bucket)).toSorted((a, b) => a - b);
}

/** Everything on one side in two words that people can compare. */
export function summarize(buckets: readonly RevisionBucket[]): { count: number; digest: string } {
  const count = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  const lines = buckets.toSorted((a, b) => a.bucket - b.bucket).map(toText);
  return { count, digest: createHash("sha256").update(lines.join("\n")).digest("hex").slice(0, 16) };
}

function toText({ bucket, count, revs, mix, content }: RevisionBucket): string {
  return [bucket, count, revs, mix, content].join(" ");
}
