import type { Db } from "./database.ts";

/** The facts that `meta` keeps. Numbers are written as text. */
export type MetaKey =
  | "incarnation" // random name of this cache's life; another one after a clone or a rebuild
  | "hlc" // last stamp of the hybrid clock
  | "clock_offset_ms" // what to add to this machine's clock to get the remote's
  | "clock_checked" // ms by the remote's clock, when that was last measured
  | "machine_id" // whose cache this is
  | "former_machine_id" // what it was before it turned out to be a clone's
  | "host" // where this incarnation began: a hash of the operating system's id and the home's path
  | "claimed" // 'sent', then 'arrived': this incarnation took over from another under the same id
  | "epoch" // which remote database the cursor belongs to
  | "cursor" // last revision applied here
  | "selection" // what was pulled up to the cursor
  | "fill_from" // revision from which older pages are filled in, while a first sync goes on
  | "fill_below" // what is below it has yet to come
  | "fill_place" // place in the order of arrival before that of revision 1
  | "rewound_to" // newest revision that a restored remote had in common with what was seen of it
  | "collected_before" // up to when the remote has collected, as far as this cache has followed
  | "doubt" // why the two sides must be compared before anything more is pushed
  | "doubt_after" // up to which revision there is none
  | "push_seq" // number of pushes made
  | "pushed_seq" // number of the last push that is known to have arrived
  | "push_ids" // JSON: its id, and the ids of pushes since
  | "last_push" // ms, when the last push arrived
  | "last_collect" // ms, when this machine last asked the remote to collect
  | "last_sync"; // ms, end of the last successful cycle

export interface MetaReads {
  get(key: MetaKey): string | null;
  /** A value that is a number; 0 where there is none. */
  number(key: MetaKey): number;
}

export interface MetaWrites extends MetaReads {
  /** @param value null forgets it */
  set(key: MetaKey, value: string | number | null): void;
}

export function createMetaReads(db: Db): MetaReads {
  const get = db.prepare<[string], string>("SELECT value FROM meta WHERE key = ?").pluck();
  return {
    get: (key) => get.get(key) ?? null,
    number: (key) => Number(get.get(key) ?? 0),
  };
}

export function createMetaWrites(db: Db): MetaWrites {
  const set = db.prepare<[string, string]>(
    "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
  );
  const forget = db.prepare<[string]>("DELETE FROM meta WHERE key = ?");
  return {
    ...createMetaReads(db),
    set(key, value) {
      if (value === null) forget.run(key);
      else set.run(key, String(value));
    },
  };
}
