/** One acknowledged write of one field. Values of a run are unique, so that a value names its write. */
export interface Write {
  value: string;
  /** The value that the writer saw, and so knowingly replaced. */
  over: string | null;
  /** The stamp that its machine gave it. */
  clock: string;
  /** Whose disk it was on before it was on the remote. */
  machine: number | null;
}

/** What is true of an entry as a whole. */
export interface EntryFacts {
  scope: "global" | "user" | "machine";
  user: string | null;
  /** Which of the run's machines recorded it. */
  origin: number;
  deleted: boolean;
  restored: boolean;
  purged: boolean;
  /** It was purged on a disk that was lost: then it may be everywhere, or nowhere. */
  purgeLost: boolean;
  /** Who could see it, and change it, was changed: changes by those who lost sight of it are kept as conflicts. */
  rescoped: boolean;
  /** Its only copy may have been on a disk that was lost. */
  expendable: boolean;
}

/** What the machines of a run acknowledged, kept apart from everything that could lose it. */
export interface Model {
  created(
    id: string,
    fields: Record<string, string>,
    clock: string,
    facts: Pick<EntryFacts, "scope" | "user" | "origin">,
  ): void;
  edited(id: string, field: string, write: Write): void;
  /** The write of a value. */
  find(id: string, field: string, value: string | null): Write | null;
  /** Whether the writer of `later` knew of `earlier`, directly or through others. */
  knew(id: string, field: string, later: string | null, earlier: string | null): boolean;
  facts(id: string): EntryFacts;
  /** What this machine had not sent when its disk was lost need not be anywhere. */
  diskLost(machine: number, unsent: readonly { id: string; created: boolean }[]): void;
  /** What was edited by hand on the remote may have been nowhere else. */
  remoteLost(): void;
  readonly ids: readonly string[];
  /** All values that were ever written to an entry. */
  values(id: string): string[];
  /**
   * What is wrong with the final values of an entry: acknowledged values that are neither final, nor knowingly
   * replaced, nor kept in a conflict.
   */
  lost(id: string, final: Record<string, string | null>, kept: ReadonlySet<string | null>): string[];
}

export function createModel(): Model {
  const writes = new Map<string, Map<string, Write[]>>();
  const facts = new Map<string, EntryFacts>();
  const expendable = new Set<Write>();

  function writesOf(id: string, field: string): Write[] {
    const fields = writes.get(id) ?? new Map<string, Write[]>();
    writes.set(id, fields);
    const list = fields.get(field) ?? [];
    fields.set(field, list);
    return list;
  }

  const find = (id: string, field: string, value: string | null): Write | null =>
    writesOf(id, field).find((write) => write.value === value) ?? null;
  const all = (id: string): Write[] => [...(writes.get(id)?.values() ?? [])].flat();

  return {
    created(id, fields, clock, made) {
      facts.set(id, {
        ...made,
        deleted: false,
        restored: false,
        purged: false,
        purgeLost: false,
        rescoped: false,
        expendable: false,
      });
      for (const [field, value] of Object.entries(fields))
        writesOf(id, field).push({ value, over: null, clock, machine: made.origin });
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
    facts: (id) => facts.get(id)!,
    diskLost(machine, unsent) {
      for (const { id, created } of unsent) {
        const entry = facts.get(id);
        if (entry === undefined) continue;
        entry.expendable ||= created;
        // A delete or a restore among them may be gone too.
        entry.restored ||= entry.deleted;
        if (entry.rescoped) entry.scope = "machine";
        entry.purgeLost ||= entry.purged;
        for (const write of all(id)) if (write.machine === machine) expendable.add(write);
      }
    },
    remoteLost() {
      for (const id of writes.keys())
        for (const write of all(id)) if (write.machine === null) expendable.add(write);
    },
    get ids() {
      return [...writes.keys()];
    },
    values: (id) => all(id).map(({ value }) => value),
    lost(id, final, kept) {
      const problems: string[] = [];
      for (const [field, list] of writes.get(id) ?? []) {
        const replaced = new Set(list.map(({ over }) => over));
        for (const write of list) {
          const { value } = write;
          if (final[field] !== value && !replaced.has(value) && !kept.has(value) && !expendable.has(write)) {
            problems.push(
              `${id}.${field}: '${value}' was acknowledged, is not the final '${final[field]}', and is in no conflict`,
            );
          }
        }
      }
      return problems;
    },
  };
}
