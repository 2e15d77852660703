import type { FieldClocks, Fields, Version } from "../core/record.ts";
import { columnsToFields, fieldsToColumns } from "./field-codec.ts";
import type { Db } from "./database.ts";
import type { MachineWrites } from "./machines.ts";
import { RECORD_KINDS, type RecordKind } from "./record-kinds.ts";
import type { Selection } from "../core/selection.ts";
import { selectionSql, selectionValues } from "./selection.ts";

/** A record as the cache holds it. */
export interface Stored {
  version: Version;
  /** The revision it has on the remote, or from which it was edited; null while the remote has none. */
  rev: number | null;
  /** The values at `rev` of the fields edited since; null when there are no unsent edits. */
  base: Fields | null;
}

export interface RecordReads {
  /** @throws RangeError for a kind this version does not know */
  get(kind: string, id: string): Stored | null;
  /** The record, whatever its kind. */
  find(id: string): Stored | null;
  /** The conflict records of a record, also settled and purged ones. */
  conflictsOf(recordId: string): Stored[];
  /** The schema this version writes for a kind; null for a kind it does not know. */
  schemaOf(kind: string): number | null;
}

export interface RecordWrites extends RecordReads {
  /**
   * Inserts the record or replaces it as a whole.
   * @param place of a new entry in the order of arrival, one that was reserved; the next one by default
   * @throws UnreadableRecordError where its fields do not fit
   */
  put(stored: Stored, place?: number): void;
  /** Reserves places for that many entries that will arrive later, and were made before. @returns the one before them */
  reservePlaces(count: number): number;
  /** Marks a version as acknowledged. @returns false where the record has changed since */
  acknowledge(kind: string, id: string, hlc: string, rev: number): boolean;
  /** Removes the row itself, for a record that this machine may no longer see. */
  drop(kind: string, id: string): void;
  /**
   * Removes what the remote has collected: deleted before a time, ms since the epoch, and of a revision no higher than
   * `floor`. What is still to be sent stays.
   */
  dropCollected(before: number, floor: number): void;
  /** Removes other machines' records that the selection does not have; what is still to be sent stays. */
  dropUnselected(selection: Selection): void;
  /**
   * Makes unsent what the remote had above a revision, all of it in the outbox again: the remote has gone back to it.
   * @returns how many
   */
  forgetRevisions(above: number, now: number): number;
  /** Queues unsent records that the outbox does not name, and unqueues those that are not unsent. @returns how many */
  mendOutbox(now: number): number;
}

interface SyncColumns {
  machine_id: string;
  last_editor: string;
  hlc: string;
  clocks: string | null;
  rev: number | null;
  base: string | null;
}

export function createRecordReads(db: Db): RecordReads {
  const kinds = new Map(RECORD_KINDS.map((kind) => [kind.kind, prepareReads(db, kind)]));
  const conflictIds = db.prepare<[string], string>("SELECT id FROM conflicts WHERE record_id = ?").pluck();
  const get = (kind: string, id: string): Stored | null => pick(kinds, kind).get(id);
  return {
    get,
    find(id) {
      for (const kind of kinds.values()) {
        const stored = kind.get(id);
        if (stored !== null) return stored;
      }
      return null;
    },
    schemaOf: (kind) => kinds.get(kind)?.schema ?? null,
    conflictsOf: (recordId) => conflictIds.all(recordId).map((id) => get("conflict", id)!),
  };
}

export function createRecordWrites(db: Db, machines: MachineWrites): RecordWrites {
  const kinds = new Map(RECORD_KINDS.map((kind) => [kind.kind, prepareWrites(db, kind, machines)]));
  const last = db.prepare<[], number>("SELECT seq FROM sqlite_sequence WHERE name = 'history'").pluck();
  const first = db.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('history', 0)");
  const reserve = db.prepare<[bigint]>("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'history'");
  return {
    ...createRecordReads(db),
    reservePlaces(count) {
      const before = last.get();
      if (before === undefined) first.run();
      reserve.run(BigInt(count));
      return before ?? 0;
    },
    put(stored, place) {
      pick(kinds, stored.version.kind).put(stored, place);
    },
    acknowledge: (kind, id, hlc, rev) => pick(kinds, kind).acknowledge(id, hlc, rev),
    drop(kind, id) {
      pick(kinds, kind).drop(id);
    },
    dropCollected(before, floor) {
      for (const kind of kinds.values()) kind.dropCollected(before, floor);
    },
    dropUnselected(selection) {
      for (const kind of kinds.values()) kind.dropUnselected(selection);
    },
    forgetRevisions: (above, now) => sum(kinds, (kind) => kind.forgetRevisions(above, now)),
    mendOutbox: (now) => sum(kinds, (kind) => kind.mendOutbox(now)),
  };
}

function sum<T>(kinds: Map<string, T>, count: (kind: T) => number): number {
  return [...kinds.values()].reduce((total, kind) => total + count(kind), 0);
}

function pick<T>(kinds: Map<string, T>, kind: string): T {
  const found = kinds.get(kind);
  if (found === undefined) throw new RangeError(`unknown kind of record '${kind}'`);
  return found;
}

function prepareReads(db: Db, kind: RecordKind) {
  const columns = Object.keys(kind.fields).map((name) => `r.${name}`);
  const select = db.prepare<[string], SyncColumns & Record<string, unknown>>(`
    SELECT ${columns.join(", ")}, m.id AS machine_id, e.id AS last_editor, r.hlc, r.clocks, r.rev, r.base
    FROM ${kind.table} AS r
    JOIN machines AS m ON m.key = r.machine
    JOIN machines AS e ON e.key = r.editor
    WHERE r.id = ?
  `);
  return {
    schema: kind.schema,
    get(id: string): Stored | null {
      const row = select.get(id);
      if (row === undefined) return null;
      return {
        version: {
          id,
          kind: kind.kind,
          machineId: row.machine_id,
          lastEditor: row.last_editor,
          hlc: row.hlc,
          clocks: row.clocks === null ? null : (JSON.parse(row.clocks) as FieldClocks),
          fields: columnsToFields(kind, row),
        },
        rev: row.rev,
        base: row.base === null ? null : (JSON.parse(row.base) as Fields),
      };
    },
  };
}

function prepareWrites(db: Db, kind: RecordKind, machines: MachineWrites) {
  const columns = [
    "seq",
    "id",
    ...Object.keys(kind.fields),
    "machine",
    "editor",
    "hlc",
    "clocks",
    "rev",
    "base",
  ];
  const updates = columns
    .filter((name) => name !== "seq" && name !== "id")
    .map((name) => `${name} = excluded.${name}`);
  // Never OR REPLACE: it would delete the old row without telling the search index.
  const upsert = db.prepare(`
    INSERT INTO ${kind.table} (${columns.join(", ")})
    VALUES (${columns.map(() => "?").join(", ")})
    ON CONFLICT (id) DO UPDATE SET ${updates.join(", ")}
  `);
  const acknowledge = db.prepare<[number, string, string]>(
    `UPDATE ${kind.table} SET rev = ?, base = NULL WHERE id = ? AND hlc = ?`,
  );
  const remove = db.prepare<[string]>(`DELETE FROM ${kind.table} WHERE id = ?`);
  const dropCollected = db.prepare<[number, number]>(
    `DELETE FROM ${kind.table} WHERE deleted_at < ? AND rev <= ? AND base IS NULL AND purged_at IS NULL`,
  );
  const { wanted } = selectionSql(kind);
  const dropUnselected = db.prepare(
    `DELETE FROM ${kind.table} WHERE rev IS NOT NULL AND base IS NULL AND NOT (${wanted})`,
  );
  const queue = `INSERT INTO outbox (kind, record_id, queued_at)
    SELECT '${kind.kind}', id, ? FROM ${kind.table} WHERE`;
  const queueAgain = "ORDER BY seq ON CONFLICT (record_id) DO UPDATE SET parked = NULL";
  const queueAbove = db.prepare<[number, number]>(`${queue} rev > ? ${queueAgain}`);
  const forget = db.prepare<[number]>(`UPDATE ${kind.table} SET rev = NULL, base = NULL WHERE rev > ?`);
  const queueUnsent = db.prepare<[number]>(
    `${queue} (rev IS NULL OR base IS NOT NULL) AND id NOT IN (SELECT record_id FROM outbox) ORDER BY seq`,
  );
  const unqueueSent = db.prepare(
    `DELETE FROM outbox WHERE kind = '${kind.kind}' AND NOT EXISTS (
       SELECT 1 FROM ${kind.table} WHERE id = record_id AND (rev IS NULL OR base IS NOT NULL))`,
  );
  return {
    put({ version, rev, base }: Stored, place?: number) {
      upsert.run(
        place ?? null,
        version.id,
        ...fieldsToColumns(kind, version.fields),
        machines.ensureKey(version.machineId),
        machines.ensureKey(version.lastEditor),
        version.hlc,
        version.clocks === null ? null : JSON.stringify(version.clocks),
        rev,
        base === null ? null : JSON.stringify(base),
      );
    },
    acknowledge: (id: string, hlc: string, rev: number) => acknowledge.run(rev, id, hlc).changes > 0,
    drop(id: string) {
      remove.run(id);
    },
    dropCollected(before: number, floor: number) {
      dropCollected.run(before, floor);
    },
    dropUnselected(selection: Selection) {
      dropUnselected.run(selectionValues(selection, machines));
    },
    forgetRevisions(above: number, now: number): number {
      queueAbove.run(now, above);
      return forget.run(above).changes;
    },
    mendOutbox: (now: number) => unqueueSent.run().changes + queueUnsent.run(now).changes,
  };
}
