import { applyMigrations, type RemoteMigration } from "./migrate.ts";
import type { Row, SqlExecutor, Statement } from "./executor.ts";
import { factsStatement, oneRow, rowToFacts, rowToMark } from "./facts.ts";
import {
  existStatement,
  fetchStatement,
  fillStatement,
  findMarkStatement,
  listStatement,
  pageStatement,
  sumStatement,
} from "./pull-statements.ts";
import { collectStatements } from "./collect-statements.ts";
import {
  guardStatement,
  markStatements,
  nodeStatement,
  readBackStatement,
  revStatement,
  upsertStatement,
} from "./push-statements.ts";
import { rowToRecord, toText } from "./record-columns.ts";
import type { PullAnswer, PullRequest, PushAnswer, PushRequest, Remote } from "./remote.ts";

/** The remote in SQL, over any executor. */
export function createSqlRemote(db: SqlExecutor, migrations: readonly RemoteMigration[]): Remote {
  /** The facts, a page, and one statement more, of one snapshot. */
  async function pullBeside(
    request: PullRequest,
    beside: Statement,
    signal: AbortSignal,
  ): Promise<PullAnswer & { rows: Row[] }> {
    const statements = [factsStatement(request), pageStatement(request), beside];
    const [facts, page, rows = []] = await db.batch("read", statements, signal);
    return { ...toPullAnswer(request, facts, page), rows };
  }

  return {
    prepare: (signal) => applyMigrations(db, migrations, signal),

    async pull(request, signal) {
      const statements = [factsStatement(request), pageStatement(request)];
      const [facts, page] = await db.batch("read", statements, signal);
      return toPullAnswer(request, facts, page);
    },

    async exchange(request, push, signal) {
      const before = [guardStatement(request, push), factsStatement(request), pageStatement(request)];
      const rows = await db.batch("write", [...before, ...pushStatements(request, push)], signal);
      return { ...toPullAnswer(request, rows[1], rows[2]), pushed: toPushAnswer(push, rows) };
    },

    async fill(request, below, signal) {
      const statements = [factsStatement(request), fillStatement(request, below)];
      const [facts, page] = await db.batch("read", statements, signal);
      return toPullAnswer(request, facts, page);
    },

    async fetch(request, ids, signal) {
      const statements = [factsStatement(request), fetchStatement(request, ids), existStatement(ids)];
      const [facts, found = [], existing = []] = await db.batch("read", statements, signal);
      const came = new Set(found.map(({ id }) => id));
      const rest = existing.map(({ id }) => id as string).filter((id) => !came.has(id));
      return { ...rowToFacts(facts), records: found.map(rowToRecord), rest };
    },

    async findMark(marks, signal) {
      const [rows] = await db.batch("read", [findMarkStatement(marks)], signal);
      const { common, oldest } = oneRow(rows);
      return { common: common as number | null, oldest: oldest as number };
    },

    async sum(request, ranges, width, content, signal) {
      const beside = sumStatement(request, ranges, width, content);
      const { rows, ...answer } = await pullBeside(request, beside, signal);
      const buckets = rows.map((row) => ({
        bucket: row.bucket as number,
        count: row.count as number,
        revs: BigInt(row.revs as string),
        mix: BigInt(row.mix as string),
        content: BigInt(row.content as string),
      }));
      return { ...answer, buckets };
    },

    async list(request, ranges, content, signal) {
      const { rows, ...answer } = await pullBeside(request, listStatement(request, ranges, content), signal);
      const revisions = new Map(
        rows.map((row) => [row.rev as number, { id: toText(row.id), content: row.content as number }]),
      );
      return { ...answer, revisions };
    },

    async collect(ages, signal) {
      await db.batch("write", collectStatements(ages), signal);
    },

    close() {
      db.close();
    },
  };
}

/** What follows the guard, the facts and the page. Without records it is a heartbeat, which changes no revision. */
function pushStatements(request: PullRequest, push: PushRequest): Statement[] {
  const report = [nodeStatement(push.node, request.cursor), revStatement()];
  if (push.records.length === 0) return report;
  const { records } = push;
  return [upsertStatement(records), readBackStatement(records), ...markStatements(push.node), ...report];
}

function toPushAnswer({ records }: PushRequest, rows: Row[][]): PushAnswer {
  const last = oneRow(rows.at(-1));
  const held = records.length === 0 ? [] : (rows[4] ?? []);
  return {
    revAfter: last.rev as number,
    markAfter: rowToMark(last.mark_rev, last.mark),
    held: held.map((row) => ({
      id: row.id as string,
      rev: row.rev as number,
      hlc: row.hlc as string,
      digest: row.digest as string | null,
    })),
  };
}

function toPullAnswer({ page }: PullRequest, facts: Row[] | undefined, rows: Row[] = []): PullAnswer {
  const bytes = (rows.at(-1)?.bytes as number | undefined) ?? 0;
  return {
    ...rowToFacts(facts),
    records: rows.map(rowToRecord),
    complete: rows.length < page.records && bytes < page.bytes,
  };
}
