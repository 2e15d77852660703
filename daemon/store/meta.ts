import type { Db } from "./database.ts";

/** The facts that `meta` keeps. Numbers are written as text. */
export type MetaKey =
  | "incarnation" // random name of this cache's life; another one after a clone or a rebuild
  | "hlc" // last stamp of the hybrid clock
  | "clock_offset_ms" // what to add to this machine's clock to get the remote's
  | "epoch" // which remote database the cursor belongs to
  | "cursor" // last revision applied here
  | "selection" // what was pulled up to the cursor
  | "push_seq" // number of pushes made
  | "last_sync"; // ms, end of the last successful cycle

export interface MetaReads {
  get(key: MetaKey): string | null;
}

export interface MetaWrites extends MetaReads {
  set(key: MetaKey, value: string): void;
}

export function createMetaReads(db: Db): MetaReads {
  const get = db.prepare<[string], string>("SELECT value FROM meta WHERE key = ?").pluck();
  return { get: (key) => get.get(key) ?? null };
}

export function createMetaWrites(db: Db): MetaWrites {
  const set = db.prepare<[string, string]>(
    "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
  );
  return {
    ...createMetaReads(db),
    set(key, value) {
      set.run(key, value);
    },
  };
}
