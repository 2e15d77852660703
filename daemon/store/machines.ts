import type { Db } from "./database.ts";

/** Machine ids and the short keys that stand for them in every row. */
export interface MachineReads {
  /** The key of a machine id, or null where no row ever named it. */
  key(id: string): number | null;
}

export interface MachineWrites extends MachineReads {
  /** The key of a machine id, made where it is new. */
  ensureKey(id: string): number;
}

export function createMachineReads(db: Db): MachineReads {
  const select = db.prepare<[string], number>("SELECT key FROM machines WHERE id = ?").pluck();
  return { key: (id) => select.get(id) ?? null };
}

export function createMachineWrites(db: Db): MachineWrites {
  const { key } = createMachineReads(db);
  const insert = db.prepare<[string]>("INSERT INTO machines (id) VALUES (?)");
  return { key, ensureKey: (id) => key(id) ?? Number(insert.run(id).lastInsertRowid) };
}
