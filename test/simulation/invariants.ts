import { join } from "node:path";
import Database from "better-sqlite3";
import type { Machine } from "../support/machine.ts";
import type { World } from "./world.ts";

/** Everything that must hold once faults have stopped and everyone has synchronised. @returns what does not */
export function violations(world: World): string[] {
  const views = world.machines.map(look);
  return [
    ...convergence(world, views),
    ...nothingLost(world, views),
    ...nothingComesBack(world, views),
    ...conflicts(world, views),
    ...world.machines.flatMap(soundness),
    ...revisions(world),
    ...identities(world),
  ];
}

interface ConflictRow {
  record_id: string;
  field: string;
  local_value: string | null;
  remote_value: string | null;
  local_clock: string;
  remote_clock: string;
  winner: string;
}

/** What a cache holds, seen by another eye than the product's. */
interface View {
  conflicts: ConflictRow[];
  /** All text in places where content is kept. */
  text: string;
}

function look(machine: Machine): View {
  const db = new Database(join(machine.home, "cache.db"), { readonly: true });
  try {
    const rows = db
      .prepare(
        "SELECT record_id, field, local_value, remote_value, local_clock, remote_clock, winner FROM conflicts",
      )
      .all() as ConflictRow[];
    const parse = (json: string | null): string | null => (json === null ? null : String(JSON.parse(json)));
    const text = ["history", "conflicts", "set_aside"].map((table) =>
      JSON.stringify(db.prepare(`SELECT * FROM ${table}`).all()),
    );
    return {
      conflicts: rows.map((row) => ({
        ...row,
        local_value: parse(row.local_value),
        remote_value: parse(row.remote_value),
      })),
      text: text.join("\n"),
    };
  } finally {
    db.close();
  }
}

/** Whether a machine is meant to have an entry. A clone is not the machine that it was copied from. */
function maySee({ model, settings }: World, index: number, id: string): boolean {
  const { scope, user, origin } = model.facts(id);
  if (origin === index) return true;
  const { user: viewer, globalOnly } = settings(index);
  if (globalOnly && scope !== "global") return false;
  return scope === "global" || (scope === "user" && user !== null && user === viewer);
}

/** All machines that are meant to have an entry have the same. */
function convergence(world: World, views: View[]): string[] {
  const { machines, model } = world;
  return model.ids.flatMap((id) => {
    const seeing = views.flatMap((_, index) => (maySee(world, index, id) ? [machines[index]!] : []));
    const [first, ...others] = seeing.map(
      (machine) => [machine.home.slice(-2), JSON.stringify(machine.get(id))] as const,
    );
    return others
      .filter(([, entry]) => entry !== first![1])
      .map(([name, entry]) => `${first![0]} and ${name} differ in ${id}:\n    ${first![1]}\n    ${entry}`);
  });
}

function nothingLost(world: World, views: View[]): string[] {
  const { machines, model } = world;
  const kept = new Set(
    views.flatMap(({ conflicts: rows }) => rows.flatMap((row) => [row.local_value, row.remote_value])),
  );
  return model.ids.flatMap((id) => {
    const facts = model.facts(id);
    if (facts.purged) return [];
    const holder = views.findIndex((_, index) => maySee(world, index, id));
    const entry = machines[holder]!.get(id);
    if (entry === null) {
      const mayBeGone = facts.expendable || (facts.deleted && world.traits.months);
      return mayBeGone ? [] : [`${id} was acknowledged and is gone`];
    }
    // Its content was taken while it was deleted; whoever restored it in time had what they had of it.
    if (facts.deleted && world.traits.months) {
      const isEmpty = entry.deleted_at === null && entry.command === "";
      return isEmpty ? [`${id} was restored, and has lost its content`] : [];
    }
    return model.lost(id, { command: entry.command, note: entry.note }, kept);
  });
}

/** What was deleted and never restored stays deleted; what was purged is nowhere. */
function nothingComesBack({ machines, model, server }: World, views: View[]): string[] {
  const onServer = JSON.stringify(server.db.prepare("SELECT id, body FROM records").all());
  return model.ids.flatMap((id) => {
    const { deleted, restored, rescoped, purged, purgeLost } = model.facts(id);
    const alive = machines.filter((machine) => machine.get(id)?.deleted_at === null);
    if (purgeLost) return [];
    if (!purged) {
      return deleted && !restored && !rescoped
        ? alive.map((machine) => `${id} was deleted, and is back on ${machine.id}`)
        : [];
    }
    const left = model
      .values(id)
      .filter((value) => views.some(({ text }) => text.includes(`'${value}'`) || text.includes(`"${value}`)));
    const leftThere = model.values(id).filter((value) => onServer.includes(`${value}\\"`));
    return [
      ...alive.map((machine) => `${id} was purged, and is on ${machine.id}`),
      ...left.map((value) => `${id} was purged, and '${value}' is still in a cache`),
      ...leftThere.map((value) => `${id} was purged, and '${value}' is still on the remote`),
    ];
  });
}

/** The later write won, by the clocks of the writes themselves; and what was no conflict is not called one. */
function conflicts({ model, traits }: World, views: View[]): string[] {
  const edited = views[0]!.conflicts.filter(({ field }) => field === "command" || field === "note");
  const { faults, wrongClocks, handEdits, months, purges, scopes, disaster } = traits;
  if (months || purges || scopes || disaster !== "none") return [];
  return edited.flatMap((conflict) => {
    const { record_id: id, field, local_value: local, remote_value: remote } = conflict;
    const text = `the conflict of ${id}.${field}, '${local}' here and '${remote}' there,`;
    const clocks = [model.find(id, field, local)?.clock, model.find(id, field, remote)?.clock];
    const problems: string[] = [];
    // A stamp from the future is given up, and one that a hand left is that of the whole record.
    if (!wrongClocks && !handEdits) {
      if (local !== null && clocks[0] !== conflict.local_clock)
        problems.push(`${text} has a wrong local clock`);
      if (remote !== null && clocks[1] !== conflict.remote_clock)
        problems.push(`${text} has a wrong remote clock`);
    }
    if ((conflict.winner === "local") !== conflict.local_clock > conflict.remote_clock) {
      problems.push(`${text} was won by the earlier write`);
    }
    // Where an answer was lost, a machine cannot know that its own value was seen before it was replaced.
    const known = model.knew(id, field, local, remote) || model.knew(id, field, remote, local);
    if (known && !faults && !handEdits) problems.push(`${text} is none: one writer knew of the other`);
    return problems;
  });
}

/** What one cache must hold by itself: an empty queue, true counts, a search index that fits. */
function soundness(machine: Machine, index: number): string[] {
  const problems: string[] = [];
  const name = `m${index}`;
  const { read } = machine.store;
  const depth = read.outbox.depth();
  if (depth > 0) problems.push(`${name} still has ${depth} records to send`);
  if (read.setAside.count() > 0) problems.push(`${name} has set records aside`);
  if (read.meta.get("doubt") !== null) problems.push(`${name} still doubts: ${read.meta.get("doubt")}`);
  const db = new Database(join(machine.home, "cache.db"));
  try {
    const real = db
      .prepare("SELECT count(*) FROM history WHERE deleted_at IS NULL AND purged_at IS NULL")
      .pluck()
      .get();
    const counted = read.history.counts();
    if (counted.total !== real || counted.pending !== 0) {
      problems.push(`${name} counts ${JSON.stringify(counted)}, and has ${String(real)}`);
    }
    db.prepare("INSERT INTO history_fts (history_fts, rank) VALUES ('integrity-check', 1)").run();
  } catch (error) {
    problems.push(`${name}: ${(error as Error).message}`);
  } finally {
    db.close();
  }
  return problems;
}

function revisions({ server }: World): string[] {
  const row = server.db
    .prepare("SELECT count(*) AS n, count(DISTINCT rev) AS revs, ifnull(max(rev), 0) AS newest FROM records")
    .get() as { n: number; revs: number; newest: number };
  const counter = server.db.prepare("SELECT value FROM seq").pluck().get() as number;
  return row.n === row.revs && row.newest <= counter
    ? []
    : [`revisions are wrong: ${JSON.stringify(row)}, counter ${counter}`];
}

/** However machines were copied, each goes by its own name in the end. */
function identities({ machines }: World): string[] {
  const ids = machines.map(({ id }) => id);
  return new Set(ids).size === ids.length ? [] : [`machines share an identity: ${ids.join(", ")}`];
}
