import type { Db } from "./database.ts";

/** A point of the remote's history, by random name. */
export interface SeenMark {
  rev: number;
  mark: string;
}

export interface MarkReads {
  newest(): SeenMark | null;
  /** All that are kept, newest first. */
  all(): SeenMark[];
}

/** Points of the remote's history that this machine has seen, so that it can tell how far back a restored one went. */
export interface MarkWrites extends MarkReads {
  /** @param kept whether the remote keeps this one when it forgets others */
  add(mark: SeenMark, kept: boolean): void;
  /** Forgets those that the remote no longer has. */
  forgetAbove(rev: number): void;
}

/** Of each sort that many are remembered: the last hours, and one an hour for the last weeks. */
const MAX_RECENT = 1000;
const MAX_KEPT = 1000;

export function createMarkReads(db: Db): MarkReads {
  const all = db.prepare<[], SeenMark>("SELECT rev, mark FROM marks ORDER BY rev DESC");
  const newest = db.prepare<[], SeenMark>("SELECT rev, mark FROM marks ORDER BY rev DESC LIMIT 1");
  return { newest: () => newest.get() ?? null, all: () => all.all() };
}

export function createMarkWrites(db: Db): MarkWrites {
  const add = db.prepare<[number, string, number]>(
    `INSERT INTO marks (rev, mark, kept) VALUES (?, ?, ?)
     ON CONFLICT (rev) DO UPDATE SET mark = excluded.mark, kept = max(kept, excluded.kept)
     WHERE mark <> excluded.mark OR kept < excluded.kept`,
  );
  const forget = db.prepare<[number]>("DELETE FROM marks WHERE rev > ?");
  const count = db.prepare<[number], number>("SELECT count(*) FROM marks WHERE kept = ?").pluck();
  const dropOldest = db.prepare<[number, number]>(
    "DELETE FROM marks WHERE rev IN (SELECT rev FROM marks WHERE kept = ? ORDER BY rev LIMIT ?)",
  );
  return {
    ...createMarkReads(db),
    add({ rev, mark }, kept) {
      if (add.run(rev, mark, Number(kept)).changes === 0) return;
      const excess = (count.get(Number(kept)) ?? 0) - (kept ? MAX_KEPT : MAX_RECENT);
      // A tenth at a time, so that it is seldom done.
      if (excess > 0) dropOldest.run(Number(kept), excess + MAX_RECENT / 10);
    },
    forgetAbove(rev) {
      forget.run(rev);
    },
  };
}
