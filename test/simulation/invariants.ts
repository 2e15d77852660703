import { join } from "node:path";
import Database from "better-sqlite3";
import type { Machine } from "../support/machine.ts";
import type { World } from "./world.ts";

/** Everything that must hold once faults have stopped and everyone has synchronised. @returns what does not */
export function violations(world: World): string[] {
  return [
    ...convergence(world),
    ...nothingLost(world),
    ...conflicts(world),
    ...world.machines.flatMap(soundness),
    ...revisions(world),
  ];
}

function convergence({ machines, model }: World): string[] {
  const problems: string[] = [];
  const [first, ...others] = machines;
  for (const other of others) {
    for (const id of model.ids) {
      const [a, b] = [JSON.stringify(first!.get(id)), JSON.stringify(other.get(id))];
      if (a !== b) problems.push(`${first!.id} and ${other.id} differ in ${id}:\n    ${a}\n    ${b}`);
    }
  }
  return problems;
}

function nothingLost({ machines, model }: World): string[] {
  const [machine] = machines;
  const kept = new Set(
    conflictsOf(machine!).flatMap(({ local_value, remote_value }) => [local_value, remote_value]),
  );
  return model.ids.flatMap((id) => {
    const entry = machine!.get(id);
    if (entry === null) return [`${id} was acknowledged and is gone`];
    const problems = model.lost(id, { command: entry.command, note: entry.note }, kept);
    if (model.mustBeDeleted(id) && entry.deleted_at === null) problems.push(`${id} was deleted, and is back`);
    return problems;
  });
}

/** The later write won, by the clocks of the writes themselves; and what was no conflict is not called one. */
function conflicts({ machines, model, losesAnswers }: World): string[] {
  const edited = conflictsOf(machines[0]!).filter(({ field }) => field === "command" || field === "note");
  return edited.flatMap((conflict) => {
    const { record_id: id, field, local_value: local, remote_value: remote } = conflict;
    const text = `the conflict of ${id}.${field}, '${local}' here and '${remote}' there,`;
    const clocks = [model.find(id, field, local)?.clock, model.find(id, field, remote)?.clock];
    const problems: string[] = [];
    if (local !== null && clocks[0] !== conflict.local_clock)
      problems.push(`${text} has a wrong local clock`);
    if (remote !== null && clocks[1] !== conflict.remote_clock)
      problems.push(`${text} has a wrong remote clock`);
    if ((conflict.winner === "local") !== conflict.local_clock > conflict.remote_clock) {
      problems.push(`${text} was won by the earlier write`);
    }
    // Where an answer was lost, a machine cannot know that its own value was seen before it was replaced.
    const known = model.knew(id, field, local, remote) || model.knew(id, field, remote, local);
    if (known && !losesAnswers) problems.push(`${text} is none: one writer knew of the other`);
    return problems;
  });
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

function conflictsOf(machine: Machine): ConflictRow[] {
  const db = new Database(join(machine.home, "cache.db"), { readonly: true });
  try {
    const rows = db
      .prepare(
        "SELECT record_id, field, local_value, remote_value, local_clock, remote_clock, winner FROM conflicts",
      )
      .all() as ConflictRow[];
    const parse = (json: string | null): string | null => (json === null ? null : String(JSON.parse(json)));
    return rows.map((row) => ({
      ...row,
      local_value: parse(row.local_value),
      remote_value: parse(row.remote_value),
    }));
  } finally {
    db.close();
  }
}

/** What one cache must hold by itself: an empty queue, true counts, a search index that fits. */
function soundness(machine: Machine): string[] {
  const problems: string[] = [];
  const depth = machine.store.read.outbox.depth();
  if (depth > 0) problems.push(`${machine.id} still has ${depth} records to send`);
  if (machine.store.read.setAside.count() > 0) problems.push(`${machine.id} has set records aside`);
  const db = new Database(join(machine.home, "cache.db"));
  try {
    const real = db.prepare("SELECT count(*) FROM history WHERE deleted_at IS NULL").pluck().get();
    const counted = machine.store.read.history.counts();
    if (counted.total !== real || counted.pending !== 0) {
      problems.push(`${machine.id} counts ${JSON.stringify(counted)}, and has ${String(real)}`);
    }
    db.prepare("INSERT INTO history_fts (history_fts, rank) VALUES ('integrity-check', 1)").run();
  } catch (error) {
    problems.push(`${machine.id}: ${(error as Error).message}`);
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
