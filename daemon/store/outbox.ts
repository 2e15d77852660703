import type { Db } from "./database.ts";

/** A record still to send. */
export interface OutboxItem {
  kind: string;
  id: string;
}

export interface OutboxReads {
  /** The oldest items that are not parked, at most `limit`. */
  first(limit: number): OutboxItem[];
  /** All items. */
  depth(): number;
  /** Items that are not sent, because the remote does not take them. */
  parked(): number;
  /** When the oldest item was queued, ms; null when the outbox is empty. */
  oldest(): number | null;
}

export interface OutboxWrites extends OutboxReads {
  /** Queues a record; one that is queued already keeps its place, and is parked no longer. */
  add(item: OutboxItem, now: number): void;
  remove(id: string): void;
  /** Sets a record aside, so that it does not hold up the others. It stays in the outbox. */
  park(id: string, reason: string): void;
  /** Gives parked records another try. */
  unparkAll(): void;
  /** All items, parked ones as well. */
  all(): OutboxItem[];
}

export function createOutboxReads(db: Db): OutboxReads {
  const first = db.prepare<[number], OutboxItem>(
    "SELECT kind, record_id AS id FROM outbox WHERE parked IS NULL ORDER BY seq LIMIT ?",
  );
  const depth = db.prepare<[], number>("SELECT count(*) FROM outbox").pluck();
  const parked = db.prepare<[], number>("SELECT count(*) FROM outbox WHERE parked IS NOT NULL").pluck();
  const oldest = db.prepare<[], number>("SELECT queued_at FROM outbox ORDER BY seq LIMIT 1").pluck();
  return {
    first: (limit) => first.all(limit),
    depth: () => depth.get() ?? 0,
    parked: () => parked.get() ?? 0,
    oldest: () => oldest.get() ?? null,
  };
}

export function createOutboxWrites(db: Db): OutboxWrites {
  const add = db.prepare<[string, string, number]>(
    "INSERT INTO outbox (kind, record_id, queued_at) VALUES (?, ?, ?) ON CONFLICT (record_id) DO UPDATE SET parked = NULL WHERE parked IS NOT NULL",
  );
  const park = db.prepare<[string, string]>("UPDATE outbox SET parked = ? WHERE record_id = ?");
  const unpark = db.prepare("UPDATE outbox SET parked = NULL WHERE parked IS NOT NULL");
  const all = db.prepare<[], OutboxItem>("SELECT kind, record_id AS id FROM outbox ORDER BY seq");
  const remove = db.prepare<[string]>("DELETE FROM outbox WHERE record_id = ?");
  return {
    ...createOutboxReads(db),
    add(item, now) {
      add.run(item.kind, item.id, now);
    },
    remove(id) {
      remove.run(id);
    },
    park(id, reason) {
      park.run(reason, id);
    },
    unparkAll() {
      unpark.run();
    },
    all: () => all.all(),
  };
}
