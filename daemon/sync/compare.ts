import { differingBuckets, type RevisionBucket, type Revisions, sumRevisions } from "../core/revisions.ts";
import type { Selection } from "../core/selection.ts";
import { type PullAnswer, type PullRequest, RemoteError, type RevisionRange } from "../remote/remote.ts";
import type { Contact } from "./contact.ts";
import type { CycleReport, EngineOptions } from "./engine.ts";

/** What a comparison needs of the engine. */
export type ComparisonNeeds = Pick<EngineOptions, "remote" | "read"> & {
  contact: Contact;
  exchangeAll: (signal: AbortSignal, report: CycleReport) => Promise<void>;
};

/** Buckets of the first comparison, at most: one row of the answer each. */
const FIRST_BUCKETS = 256;

/** Buckets that a differing one is divided into. */
const FINER = 64;

/** A range of this many revisions is compared one by one. */
const LISTED = 2048;

/** Ranges in one request, so that its answer stays well under what a server sends. */
const RANGES = 16;

/** Revisions summed, or with contents digested, here before others get their turn. */
const SLICE = 16_384;
const CONTENT_SLICE = 512;

/** How often something may come in between before a comparison is given up. */
const MAX_TRIES = 8;

/** What differs, by record. */
interface Differences {
  missingHere: Set<string>;
  missingThere: Set<string>;
  differing: Set<string>;
}

export interface Compared extends Differences {
  ours: RevisionBucket[];
  theirs: RevisionBucket[];
}

/** @param after up to this revision both sides are known to be the same */
export type Compare = (
  request: { content: boolean; after?: number },
  signal: AbortSignal,
  report: CycleReport,
) => Promise<Compared>;

/**
 * Finds what differs between both sides. They are equal when their sets of revisions are, so counts and sums are
 * compared by ranges of revisions; what differs is divided until it can be compared one by one. See docs/PROTOCOL.md
 * for what it costs.
 */
export function createComparison(options: ComparisonNeeds): Compare {
  const { read, contact, exchangeAll } = options;

  return compare;

  /** Asks until the answer is one snapshot with what is here: everything up to it has come. */
  async function ask<Answer extends PullAnswer>(
    question: (request: PullRequest) => Promise<Answer>,
    signal: AbortSignal,
    report: CycleReport,
  ): Promise<Answer & { selection: Selection }> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const answer = await contact.ask(question, signal, report);
      if (answer !== null) return answer;
      await exchangeAll(signal, report);
    }
    throw new RemoteError("busy", "HD_CONTENDED", "others wrote too much for the two sides to be compared");
  }

  async function compare(
    { content, after = 0 }: { content: boolean; after?: number },
    signal: AbortSignal,
    report: CycleReport,
  ): Promise<Compared> {
    const newest = Math.max(report.serverRev ?? 0, read.meta.number("cursor"));
    const width = Math.max(LISTED, 2 ** Math.ceil(Math.log2(Math.max(1, newest) / FIRST_BUCKETS)));
    const first = await sumBoth([{ after, upto: Number.MAX_SAFE_INTEGER }], width, content, signal, report);
    const found: Compared = {
      ours: first.ours,
      theirs: first.theirs,
      missingHere: new Set(),
      missingThere: new Set(),
      differing: new Set(),
    };
    let ranges = toRanges(first.differing, width);
    for (let at = width; ranges.length > 0 && at > LISTED;) {
      at = Math.max(LISTED, at / FINER);
      const finer: RevisionRange[] = [];
      for (const some of chunks(ranges, RANGES)) {
        const { differing } = await sumBoth(some, at, content, signal, report);
        finer.push(...toRanges(differing, at));
      }
      ranges = finer;
    }
    for (const some of chunks(ranges, RANGES)) await listBoth(some, content, found, signal, report);
    settleTwice(found);
    return found;
  }

  async function sumBoth(
    ranges: RevisionRange[],
    width: number,
    content: boolean,
    signal: AbortSignal,
    report: CycleReport,
  ): Promise<{ ours: RevisionBucket[]; theirs: RevisionBucket[]; differing: number[] }> {
    const { remote } = options;
    const answer = await ask(
      (request) => remote.sum(request, ranges, width, content, signal),
      signal,
      report,
    );
    // The same as was asked with: one of a certain age moves on.
    const { selection } = answer;
    const ours = new Map<number, RevisionBucket>();
    for (const range of ranges) {
      const upto = Math.min(range.upto, answer.serverRev);
      for (const slice of slices(range.after, upto, content ? CONTENT_SLICE : SLICE)) {
        const part = content
          ? sumRevisions(read.revisions.list(selection, slice.after, slice.upto, true), width)
          : read.revisions.sum(selection, slice.after, slice.upto, width);
        for (const bucket of part) ours.set(bucket.bucket, add(ours.get(bucket.bucket), bucket));
        await turn();
      }
    }
    const sums = [...ours.values()];
    return { ours: sums, theirs: answer.buckets, differing: differingBuckets(sums, answer.buckets) };
  }

  async function listBoth(
    ranges: RevisionRange[],
    content: boolean,
    found: Differences,
    signal: AbortSignal,
    report: CycleReport,
  ): Promise<void> {
    const { remote } = options;
    const { revisions, selection } = await ask(
      (request) => remote.list(request, ranges, content, signal),
      signal,
      report,
    );
    const ours: Revisions = new Map();
    for (const { after, upto } of ranges) {
      for (const [rev, held] of read.revisions.list(selection, after, upto, content)) ours.set(rev, held);
      await turn();
    }
    for (const [rev, theirs] of revisions) {
      const held = ours.get(rev);
      if (held?.id !== theirs.id) found.missingHere.add(theirs.id);
      else if (held.content !== theirs.content) found.differing.add(theirs.id);
    }
    for (const [rev, held] of ours) if (revisions.get(rev)?.id !== held.id) found.missingThere.add(held.id);
  }
}

/** A record that each side has in another revision is missing on neither. */
function settleTwice({ missingHere, missingThere, differing }: Differences): void {
  for (const id of missingHere) {
    if (!missingThere.delete(id)) continue;
    missingHere.delete(id);
    differing.add(id);
  }
}

function add(sum: RevisionBucket | undefined, part: RevisionBucket): RevisionBucket {
  if (sum === undefined) return part;
  return {
    bucket: sum.bucket,
    count: sum.count + part.count,
    revs: sum.revs + part.revs,
    mix: sum.mix + part.mix,
    content: sum.content + part.content,
  };
}

/** Bucket n holds the revisions from n × width up to the next one's first. */
function toRanges(buckets: readonly number[], width: number): RevisionRange[] {
  return buckets.map((bucket) => ({ after: bucket * width - 1, upto: (bucket + 1) * width - 1 }));
}

function* slices(after: number, upto: number, size: number): Generator<RevisionRange> {
  for (let at = after; at < upto; at += size) yield { after: at, upto: Math.min(upto, at + size) };
}

function* chunks<T>(values: readonly T[], size: number): Generator<T[]> {
  for (let at = 0; at < values.length; at += size) yield values.slice(at, at + size);
}

/** Lets requests be answered before the next slice. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
