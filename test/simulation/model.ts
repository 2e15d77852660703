/** One acknowledged write of one field. Values of a run are unique, so that a value names its write. */
export interface Write {
  value: string;
  /** The value that the writer saw, and so knowingly replaced. */
  over: string | null;
  /** The stamp that its machine gave it. */
  clock: string;
}

/** What the machines of a run acknowledged, kept apart from everything that could lose it. */
export interface Model {
  created(id: string, fields: Record<string, string>, clock: string): void;
  edited(id: string, field: string, write: Write): void;
  /** The write of a value. */
  find(id: string, field: string, value: string | null): Write | null;
  /** Whether the writer of `later` knew of `earlier`, directly or through others. */
  knew(id: string, field: string, later: string | null, earlier: string | null): boolean;
  deleted(id: string): void;
  restored(id: string): void;
  readonly ids: readonly string[];
  /**
   * What is wrong with the final values of an entry: acknowledged values that are neither final, nor knowingly
   * replaced, nor kept in a conflict.
   */
  lost(id: string, final: Record<string, string | null>, kept: ReadonlySet<string | null>): string[];
  /** Whether the entry was deleted and nobody ever restored it: then it must be deleted at the end. */
  mustBeDeleted(id: string): boolean;
}

export function createModel(): Model {
  const writes = new Map<string, Map<string, Write[]>>();
  const deletedIds = new Set<string>();
  const restoredIds = new Set<string>();

  function writesOf(id: string, field: string): Write[] {
    const fields = writes.get(id) ?? new Map<string, Write[]>();
    writes.set(id, fields);
    const list = fields.get(field) ?? [];
    fields.set(field, list);
    return list;
  }

  const find = (id: string, field: string, value: string | null): Write | null =>
    writesOf(id, field).find((write) => write.value === value) ?? null;

  return {
    created(id, fields, clock) {
      for (const [field, value] of Object.entries(fields))
        writesOf(id, field).push({ value, over: null, clock });
    },
    edited(id, field, write) {
      writesOf(id, field).push(write);
    },
    find,
    knew(id, field, later, earlier) {
      for (let at = later; at !== null; at = find(id, field, at)?.over ?? null)
        if (at === earlier) return true;
      return earlier === null;
    },
    deleted(id) {
      deletedIds.add(id);
    },
    restored(id) {
      restoredIds.add(id);
    },
    get ids() {
      return [...writes.keys()];
    },
    lost(id, final, kept) {
      const problems: string[] = [];
      for (const [field, list] of writes.get(id) ?? []) {
        const replaced = new Set(list.map(({ over }) => over));
        for (const { value } of list) {
          if (final[field] !== value && !replaced.has(value) && !kept.has(value)) {
            problems.push(
              `${id}.${field}: '${value}' was acknowledged, is not the final '${final[field]}', and is in no conflict`,
            );
          }
        }
      }
      return problems;
    },
    mustBeDeleted: (id) => deletedIds.has(id) && !restoredIds.has(id),
  };
}
