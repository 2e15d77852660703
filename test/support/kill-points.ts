/** A call of the daemon at which it may die, as `kill-preload.ts` sees it. */
export interface Moment {
  readonly when: When;
  /** A statement's SQL on one line, `exec` and the SQL of a script, a file call with its file's name, `request` and its body. */
  readonly call: string;
  /** What was done so far in the transaction that is open, or was until this very call. */
  readonly transaction: Transaction;
}

/** `half`: a part of it is done: half of a file's content, of a script's statements, of a copy. */
export type When = "before" | "half" | "after";

export interface Transaction {
  readonly statements: readonly string[];
  /** Rows of the history that were written. */
  readonly rows: number;
}

export type KillPoint = (moment: Moment) => boolean;

const at =
  (when: When) =>
  (call: RegExp, during: (transaction: Transaction) => boolean = () => true): KillPoint =>
  (moment) =>
    moment.when === when && call.test(moment.call) && during(moment.transaction);
const before = at("before");
const half = at("half");
const after = at("after");

const BEGIN = /^BEGIN IMMEDIATE$/;
const COMMIT = /^COMMIT$/;
const ROW = /^INSERT INTO history \(/;

const ran =
  (statement: RegExp) =>
  ({ statements }: Transaction) =>
    statements.some((sql) => statement.test(sql));
/** Each time that so many rows are written, and not again with the next one. */
const wroteJust =
  (count: number) =>
  ({ rows }: Transaction) =>
    rows === count;
const wrote =
  (least: number) =>
  ({ rows }: Transaction) =>
    rows >= least;
const queued = ran(/^INSERT INTO outbox/);
const pulled = (transaction: Transaction) => transaction.rows > 0 && !queued(transaction);
const indexed = ran(/^INSERT INTO history_fts/);
const moved = ran(/^INSERT INTO spool_files/);
const forgot = ran(/^DELETE FROM spool_files/);
const acknowledged = ran(/^DELETE FROM outbox/);
const migrated = ran(/^exec /);
/** A copy of a machine gives up the name that it has in common with the other one. */
const renamed = ({ statements }: Transaction) =>
  statements.filter((sql) => sql.startsWith("DELETE FROM meta")).length === 2;
const KEEP_ID = /^(?:rename|link) machine-id machine-id\./;
const NAME_ID = /^(?:rename|link) machine-id\.new machine-id$/;
const PUSH = /^request .*INSERT INTO records/s;

/**
 * Every point at which a daemon is killed, by the work it then does. The tests run through this table, so that a point
 * written down here is a point that is tested; one that is never reached fails its test.
 */
export const killPoints = {
  write: {
    "before BEGIN": before(BEGIN),
    "after BEGIN": after(BEGIN),
    "between the row and its place in the outbox": after(ROW),
    "before COMMIT": before(COMMIT, queued),
    "after COMMIT, before the answer": after(COMMIT, queued),
  },
  edit: {
    "before COMMIT": before(COMMIT, ran(ROW)),
    "after COMMIT, before the answer": after(COMMIT, ran(ROW)),
  },
  batch: {
    "in the middle of its rows": after(ROW, wroteJust(7)),
    "before COMMIT": before(COMMIT, wrote(20)),
    "after COMMIT, before the answer": after(COMMIT, wrote(20)),
  },
  group: {
    "in the middle of the group": after(ROW, wroteJust(3)),
    "before COMMIT": before(COMMIT, wrote(3)),
    "after COMMIT, before the answers": after(COMMIT, wrote(3)),
  },
  index: {
    "between a lot's rows and its position": after(/^INSERT INTO history_fts/),
    "before COMMIT of a lot": before(COMMIT, indexed),
    "after COMMIT of a lot": after(COMMIT, indexed),
  },
  spool: {
    "in the middle of a file's lines": after(ROW, wroteJust(3)),
    "after a refused line is put aside": after(/^fsync$/),
    "before COMMIT of its lines": before(COMMIT, moved),
    "after COMMIT of its lines": after(COMMIT, moved),
    "before the file is retired": before(/^rename .*\.retired$/),
    "after the file is retired": after(/^rename .*\.retired$/),
    "before its position is forgotten": before(COMMIT, forgot),
    "after its position is forgotten": after(COMMIT, forgot),
    "before the file is removed": before(/^unlink .*\.retired$/),
    "after the file is removed": after(/^unlink .*\.retired$/),
  },
  push: {
    "before the request leaves": before(PUSH),
    "after the server applied it, before its answer is processed": after(PUSH),
    "before COMMIT of the answer": before(COMMIT, acknowledged),
    "after COMMIT of the answer": after(COMMIT, acknowledged),
  },
  pull: {
    "in the middle of a page": after(ROW, wroteJust(100)),
    "before COMMIT of a page": before(COMMIT, pulled),
    "after COMMIT of a page": after(COMMIT, pulled),
  },
  migrate: {
    "before the backup": before(/^VACUUM INTO/),
    "with half a backup": half(/^VACUUM INTO/),
    "after the backup, before it has its name": after(/^VACUUM INTO/),
    "after the backup has its name": after(/^rename .*\.partial /),
    "before the migration's transaction": before(BEGIN),
    "in the middle of the migration": half(/^exec /),
    "before COMMIT of the migration": before(COMMIT, migrated),
    "after COMMIT of the migration": after(COMMIT, migrated),
  },
  create: {
    "before the machine id is written": before(/^writeFile machine-id\.new$/),
    "with half a machine id": half(/^writeFile machine-id\.new$/),
    "before the machine id has its name": before(/^link machine-id\.new /),
    "after the machine id has its name": after(/^link machine-id\.new /),
    "in the middle of the schema": half(/^exec /),
    "before COMMIT of the schema": before(COMMIT, migrated),
    "after COMMIT of the schema": after(COMMIT, migrated),
    "after the cache's life is named": after(/^INSERT INTO meta/),
  },
  identity: {
    "before COMMIT of its new name": before(COMMIT, renamed),
    "after COMMIT of its new name": after(COMMIT, renamed),
    "with half a new file": half(/^writeFile machine-id\.new$/),
    "before the old name is kept": before(KEEP_ID),
    "after the old name is kept": after(KEEP_ID),
    "before the new file has its name": before(NAME_ID),
    "after the new file has its name": after(NAME_ID),
  },
} satisfies Record<string, Record<string, KillPoint>>;

export type Work = keyof typeof killPoints;

/** The names of a work's points, for `test.each`. */
export function pointsOf(work: Work): string[] {
  return Object.keys(killPoints[work]);
}

/** Where a daemon is to die. */
export interface Doom {
  readonly work: Work;
  readonly point: string;
  /** At which time it comes there; 1 by default. */
  readonly nth?: number;
}

/** @throws Error for a name that the table does not have */
export function killPoint({ work, point }: Doom): KillPoint {
  const found = (killPoints as Record<string, Record<string, KillPoint>>)[work]?.[point];
  if (found === undefined) throw new Error(`no kill point '${point}' of '${work}'`);
  return found;
}

/** What a killed daemon says last. */
export function lastWords({ work, point, nth = 1 }: Doom): string {
  return `killed: ${work}, ${point}, ${nth}`;
}
