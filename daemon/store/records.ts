import type { FieldClocks, Fields, Version } from "../core/record.ts";
import { columnsToFields, fieldsToColumns } from "./field-codec.ts";
import type { Db } from "./database.ts";
import type { MachineWrites } from "./machines.ts";
import { RECORD_KINDS, type RecordKind } from "./record-kinds.ts";

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
  /** The schema this version writes for a kind; null for a kind it does not know. */
  schemaOf(kind: string): number | null;
}

export interface RecordWrites extends RecordReads {
  /** Inserts the record or replaces it as a whole. @throws UnreadableRecordError where its fields do not fit */
  put(stored: Stored): void;
  /** Marks a version as acknowledged. @returns false where the record has changed since */
  acknowledge(kind: string, id: string, hlc: string, rev: number): boolean;
  /** Removes the row itself, for a record that this machine may no longer see. */
  drop(kind: string, id: string): void;
  /** Removes other users' private records that other machines recorded; what is still to be sent stays. */
  dropForeign(machineId: string, user: string | null): void;
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
  return {
    get: (kind, id) => pick(kinds, kind).get(id),
    schemaOf: (kind) => kinds.get(kind)?.schema ?? null,
  };
}

export function createRecordWrites(db: Db, machines: MachineWrites): RecordWrites {
  const kinds = new Map(RECORD_KINDS.map((kind) => [kind.kind, prepareWrites(db, kind, machines)]));
  return {
    ...createRecordReads(db),
    put(stored) {
      pick(kinds, stored.version.kind).put(stored);
    },
    acknowledge: (kind, id, hlc, rev) => pick(kinds, kind).acknowledge(id, hlc, rev),
    drop(kind, id) {
      pick(kinds, kind).drop(id);
    },
    dropForeign(machineId, user) {
      for (const kind of kinds.values()) kind.dropForeign(machineId, user);
    },
  };
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
  const columns = ["id", ...Object.keys(kind.fields), "machine", "editor", "hlc", "clocks", "rev", "base"];
  const updates = columns.filter((name) => name !== "id").map((name) => `${name} = excluded.${name}`);
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
  const dropForeign = db.prepare<[string | null, number]>(
    `DELETE FROM ${kind.table}
     WHERE scope = 'user' AND user IS NOT ? AND machine <> ? AND rev IS NOT NULL AND base IS NULL`,
  );
  return {
    put({ version, rev, base }: Stored) {
      upsert.run(
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
    dropForeign(machineId: string, user: string | null) {
      dropForeign.run(user, machines.ensureKey(machineId));
    },
  };
}
