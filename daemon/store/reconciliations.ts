import type { Reconciliation } from "../../client-lib/protocol/reconcile.ts";
import type { Db } from "./database.ts";

export interface ReconciliationReads {
  /** The latest comparisons with the remote, newest first. */
  list(limit: number): Reconciliation[];
}

/** The log of comparisons with the remote. */
export interface ReconciliationWrites extends ReconciliationReads {
  add(done: Reconciliation): void;
}

/** Comparisons that are kept: some years of daily ones. */
const MAX_KEPT = 2000;

const COLUMNS = `started_at, reason, content, repair, outcome, compared, local, remote, missing_here, missing_there,
  differing, mended, requests, duration_ms, error`;

interface Row extends Omit<Reconciliation, "content" | "repair" | "local" | "remote"> {
  content: number;
  repair: number;
  local: string;
  remote: string;
}

export function createReconciliationReads(db: Db): ReconciliationReads {
  const list = db.prepare<[number], Row>(`SELECT ${COLUMNS} FROM reconciliations ORDER BY seq DESC LIMIT ?`);
  return { list: (limit) => list.all(limit).map(rowToReconciliation) };
}

export function createReconciliationWrites(db: Db): ReconciliationWrites {
  const add = db.prepare(
    `INSERT INTO reconciliations (${COLUMNS}) VALUES ($started_at, $reason, $content, $repair, $outcome, $compared,
       $local, $remote, $missing_here, $missing_there, $differing, $mended, $requests, $duration_ms, $error)`,
  );
  const trim = db.prepare<[number]>(
    "DELETE FROM reconciliations WHERE seq <= (SELECT max(seq) FROM reconciliations) - ?",
  );
  return {
    ...createReconciliationReads(db),
    add(done) {
      add.run({
        ...done,
        content: Number(done.content),
        repair: Number(done.repair),
        local: JSON.stringify(done.local),
        remote: JSON.stringify(done.remote),
        duration_ms: Math.round(done.duration_ms),
      });
      trim.run(MAX_KEPT);
    },
  };
}

function rowToReconciliation(row: Row): Reconciliation {
  return {
    ...row,
    content: row.content === 1,
    repair: row.repair === 1,
    local: JSON.parse(row.local) as Reconciliation["local"],
    remote: JSON.parse(row.remote) as Reconciliation["remote"],
  };
}
