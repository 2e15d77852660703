import { fieldClock } from "../../daemon/core/merge.ts";
import type { Machine } from "../support/machine.ts";
import type { SqliteServer } from "../support/sqlite-executor.ts";
import type { Model } from "./model.ts";
import type { Random } from "./random.ts";
import type { Traits } from "./world.ts";

/** What people do on the machines of a world. Each does nothing where it makes no sense. */
export interface Actions {
  record(machine: number): Promise<void>;
  edit(machine: number, id: string): Promise<void>;
  delete(machine: number, id: string): Promise<void>;
  restore(machine: number, id: string): Promise<void>;
  purge(machine: number, id: string): Promise<void>;
  /** Changes how far an entry may be seen. */
  rescope(machine: number, id: string): Promise<void>;
  /** Somebody edits a row of the remote with SQL. */
  handEdit(): void;
}

interface ActionOptions {
  random: Random;
  model: Model;
  story: string[];
  server: SqliteServer;
  machines: readonly Machine[];
  traits: Traits;
  settings: (machine: number) => { user: string | null };
}

const SCOPES = ["global", "user", "machine"] as const;
const FIELDS = ["note", "command"] as const;

export function createActions(options: ActionOptions): Actions {
  const { random, model, story, server, machines, traits } = options;
  let values = 0;
  // What a clone records before it is found out is the original's by name: as `machine` only that one would see it.
  const scopes = traits.disaster === "clone" ? (["global", "user"] as const) : SCOPES;

  const newValue = (by: string): string => `v${++values} by ${by}`;
  const clockOf = (machine: Machine, id: string, field: string): string =>
    fieldClock(machine.store.read.records.get("history", id)!.version, field);

  return {
    async record(index) {
      const machine = machines[index]!;
      const value = newValue(`m${index}`);
      const scope = traits.scopes ? random.pick(scopes) : "global";
      const { id, user } = await machine.add(value, { scope });
      model.created(id, { command: value }, clockOf(machine, id, "command"), { scope, user, origin: index });
      story.push(`m${index}: records ${id} '${value}' (${scope})`);
    },

    async edit(index, id) {
      const machine = machines[index]!;
      const before = machine.get(id)!;
      if (before.deleted_at !== null) return;
      const field = random.pick(FIELDS);
      const value = newValue(`m${index}`);
      await machine.recorder.edit(id, { [field]: value });
      const clock = clockOf(machine, id, field);
      model.edited(id, field, { value, over: before[field], clock, machine: index });
      story.push(`m${index}: edits ${id}.${field} '${before[field]}' to '${value}'`);
    },

    async delete(index, id) {
      await machines[index]!.recorder.remove(id);
      model.facts(id).deleted = true;
      story.push(`m${index}: deletes ${id}`);
    },

    async restore(index, id) {
      if (machines[index]!.get(id)?.deleted_at === null) return;
      try {
        await machines[index]!.recorder.restore(id);
      } catch (error) {
        if ((error as { code?: string }).code !== "HD_RESTORE_EXPIRED") throw error;
        return;
      }
      model.facts(id).restored = true;
      story.push(`m${index}: restores ${id}`);
    },

    async purge(index, id) {
      await machines[index]!.recorder.purge(id);
      model.facts(id).purged = true;
      story.push(`m${index}: purges ${id}`);
    },

    async rescope(index, id) {
      const machine = machines[index]!;
      const facts = model.facts(id);
      // By the machine that recorded it, which sees it whatever becomes of it.
      if (facts.origin !== index || machine.get(id)!.deleted_at !== null) return;
      const scope = random.pick(scopes);
      await machine.recorder.edit(id, { scope });
      facts.scope = scope;
      facts.rescoped = true;
      story.push(`m${index}: makes ${id} ${scope}`);
    },

    handEdit() {
      // The remote may be one that nobody has made tables in yet.
      const exists = server.db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'records'").get();
      if (exists === undefined) return;
      const rows = server.db
        .prepare(
          "SELECT id, body ->> 'note' AS note FROM records WHERE kind = 'history' AND purged_at IS NULL AND deleted_at IS NULL ORDER BY id",
        )
        .all() as { id: string; note: string | null }[];
      const known = rows.filter(({ id }) => model.ids.includes(id));
      if (known.length === 0) return;
      const { id, note } = random.pick(known);
      const value = newValue("hand");
      server.db.prepare("UPDATE records SET body = json_set(body, '$.note', ?) WHERE id = ?").run(value, id);
      const clock = server.db.prepare("SELECT hlc FROM records WHERE id = ?").pluck().get(id) as string;
      model.edited(id, "note", { value, over: note, clock, machine: null });
      story.push(`somebody edits ${id}.note '${note}' to '${value}' on the remote`);
    },
  };
}
