import type { Db } from "./database.ts";

/** How far each spool file was taken in. A file is its name and inode: a new file may bear an old name. */
export interface SpoolFileReads {
  /** Bytes taken in of that file; 0 for one never seen. */
  position(name: string, inode: number): number;
}

export interface SpoolFileWrites extends SpoolFileReads {
  setPosition(name: string, inode: number, position: number): void;
  forget(name: string, inode: number): void;
}

export function createSpoolFileReads(db: Db): SpoolFileReads {
  const select = db
    .prepare<[string, number], number>("SELECT position FROM spool_files WHERE name = ? AND inode = ?")
    .pluck();
  return { position: (name, inode) => select.get(name, inode) ?? 0 };
}

export function createSpoolFileWrites(db: Db): SpoolFileWrites {
  const set = db.prepare<[string, number, number]>(`
    INSERT INTO spool_files (name, inode, position) VALUES (?, ?, ?)
    ON CONFLICT (name, inode) DO UPDATE SET position = excluded.position
  `);
  const remove = db.prepare<[string, number]>("DELETE FROM spool_files WHERE name = ? AND inode = ?");
  return {
    ...createSpoolFileReads(db),
    setPosition(name, inode, position) {
      set.run(name, inode, position);
    },
    forget(name, inode) {
      remove.run(name, inode);
    },
  };
}
