import { fieldsDigest, type SyncRecord } from "../core/record.ts";
import {
  contentNumber,
  MIX_PRIMES,
  mixRevision,
  type RevisionBucket,
  type Revisions,
} from "../core/revisions.ts";
import { isSelected, type Selection } from "../core/selection.ts";
import type { Db } from "./database.ts";
import type { MachineReads } from "./machines.ts";
import { RECORD_KINDS, type RecordKind } from "./record-kinds.ts";
import type { RecordReads, Stored } from "./records.ts";
import { selectionSql, selectionValues } from "./selection.ts";
import type { SetAsideReads } from "./set-aside.ts";

/** Which revisions of the remote this cache holds, of those that a selection has. */
export interface RevisionReads {
  /** Counts and sums by buckets of revisions above `after`, up to `upto`; contents are not compared. */
  sum(selection: Selection, after: number, upto: number, width: number): RevisionBucket[];
  /** One by one; with contents it reads and digests every record, and may take a while: ask for few at a time. */
  list(selection: Selection, after: number, upto: number, content: boolean): Revisions;
  /** Whether any record here has a revision. */
  any(): boolean;
}

interface SumRow {
  bucket: number;
  count: number;
  revs: string;
  mix: string;
}

export function createRevisionReads(
  db: Db,
  records: RecordReads,
  setAside: SetAsideReads,
  machines: MachineReads,
): RevisionReads {
  const kinds = RECORD_KINDS.map((kind) => prepareKind(db, kind));
  const parameters = (selection: Selection, after: number, upto: number): Record<string, unknown> => ({
    ...selectionValues(selection, machines),
    since: selection.since,
    after,
    upto,
  });
  const asideOf = (
    selection: Selection,
    after: number,
    upto: number,
  ): { record: SyncRecord; rev: number }[] =>
    setAside.between(after, upto).filter(({ record }) => isSelected(record, selection));

  return {
    sum(selection, after, upto, width) {
      const buckets = new Map<number, RevisionBucket>();
      const rows = kinds.flatMap((kind) =>
        kind.sum.all({ ...parameters(selection, after, upto), width: BigInt(width) }),
      );
      const aside = asideOf(selection, after, upto).map(({ rev }) => ({
        bucket: Math.floor(rev / width),
        count: 1,
        ...ofOne(rev),
      }));
      for (const row of [...rows, ...aside]) {
        const sum = buckets.get(row.bucket) ?? {
          bucket: row.bucket,
          count: 0,
          revs: 0n,
          mix: 0n,
          content: 0n,
        };
        sum.count += row.count;
        sum.revs += BigInt(row.revs);
        sum.mix += BigInt(row.mix);
        buckets.set(row.bucket, sum);
      }
      return [...buckets.values()];
    },
    list(selection, after, upto, content) {
      const revisions: Revisions = new Map();
      for (const kind of kinds) {
        for (const { rev, id } of kind.list.all(parameters(selection, after, upto))) {
          const stored = content ? records.get(kind.kind, id) : null;
          revisions.set(rev, { id, content: stored === null ? 0 : contentOf(stored) });
        }
      }
      for (const { rev, record } of asideOf(selection, after, upto)) {
        revisions.set(rev, { id: record.id, content: content ? contentAside(record) : 0 });
      }
      return revisions;
    },
    any: () => kinds.some((kind) => kind.any.get() !== undefined),
  };
}

function prepareKind(db: Db, { kind, table, ...rest }: RecordKind) {
  const { wanted, recent } = selectionSql({ kind, table, ...rest });
  // Where a later version was set aside, that is what this side has of the record.
  const rows = `FROM ${table} AS r WHERE rev > $after AND rev <= $upto AND (${wanted}) AND (${recent})
    AND NOT EXISTS (SELECT 1 FROM set_aside WHERE record_id = r.id AND set_aside.rev >= r.rev)`;
  return {
    kind,
    // See core/revisions.ts; as text, because a JavaScript number would not hold the sums exactly.
    sum: db.prepare<[object], SumRow>(
      `SELECT rev / $width AS bucket, count(*) AS count, CAST(sum(rev) AS TEXT) AS revs,
              CAST(sum((rev % ${MIX_PRIMES[0]}) * (rev % ${MIX_PRIMES[1]})) AS TEXT) AS mix
       ${rows} GROUP BY rev / $width`,
    ),
    list: db.prepare<[object], { rev: number; id: string }>(`SELECT rev, id ${rows}`),
    any: db.prepare<[], object>(`SELECT 1 FROM ${table} WHERE rev IS NOT NULL LIMIT 1`),
  };
}

function ofOne(rev: number): { revs: string; mix: string } {
  return { revs: String(rev), mix: String(mixRevision(rev)) };
}

/** The content as the remote has it: without what was edited since. A version edited there by hand has no digest. */
function contentOf({ version, base }: Stored): number {
  if (version.lastEditor === "remote") return 0;
  return contentNumber(fieldsDigest({ ...version.fields, ...base }));
}

/** What cannot be read here is kept as it came: its digest is that of its body, or else that is why it was set aside. */
function contentAside(record: SyncRecord): number {
  if (record.last_editor === "remote") return 0;
  return contentNumber(record.digest);
}
