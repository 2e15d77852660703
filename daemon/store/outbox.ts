import type { Db } from "./database.ts";

/** A record still to send. */
export interface OutboxItem {
  kind: string;
  id: string;
}

export interface OutboxReads {
  /** The oldest items, at most `limit`. */
  first(limit: number): OutboxItem[];
  depth(): number;
  /** When the oldest item was queued, ms; null when the outbox is empty. */
  oldest(): number | null;
}

export interface OutboxWrites extends OutboxReads {
  /** Queues a record; one that is queued already keeps its place. */
  add(item: OutboxItem, now: number): void;
  remove(id: string): void;
}

export function createOutboxReads(db: Db): OutboxReads {
  const first = db.prepare<[number], OutboxItem>(
    "SELECT kind, record_id AS id FROM outbox ORDER BY seq LIMIT ?",
  );
  const depth = db.prepare<[], number>("SELECT count(*) FROM outbox").pluck();
  const oldest = db.prepare<[], number>("SELECT queued_at FROM outbox ORDER BY seq LIMIT 1").pluck();
  return {
    first: (limit) => first.all(limit),
    depth: () => depth.get() ?? 0,
    oldest: () => oldest.get() ?? null,
  };
}

export function createOutboxWrites(db: Db): OutboxWrites {
  const add = db.prepare<[string, string, number]>(
    "INSERT INTO outbox (kind, record_id, queued_at) VALUES (?, ?, ?) ON CONFLICT (record_id) DO NOTHING",
  );
  const remove = db.prepare<[string]>("DELETE FROM outbox WHERE record_id = ?");
  return {
    ...createOutboxReads(db),
    add(item, now) {
      add.run(item.kind, item.id, now);
    },
    remove(id) {
      remove.run(id);
    },
  };
}
