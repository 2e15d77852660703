import { isPurged } from "../core/purge.ts";
import type { RemoteFacts } from "../remote/remote.ts";
import type { Stored } from "../store/records.ts";
import type { WriteTx } from "../store/writer.ts";
import { type Applier, applyRecord } from "./apply-record.ts";
import { type Changes, noChanges } from "./changes.ts";
import type { Contact } from "./contact.ts";
import type { CycleReport, EngineOptions } from "./engine.ts";
import { withdraw } from "./withdraw.ts";

/** Ids asked for in one request; their bodies are bounded by the page. */
const FETCH_IDS = 200;

/** What the repair of a record needs. */
export type Repair = Pick<EngineOptions, "remote" | "write" | "machine"> & { contact: Contact };

/**
 * Records that were refused although everything that is above the cursor has come: what the remote has of them is
 * older than that. It is fetched, and merged. What is refused even then (it cannot be read here, or this machine may
 * not see it) is parked: sending it again would be refused again, for ever.
 * @param before those of this cycle that were stuck already: once is enough. Filled in
 */
export async function settleStuck(
  repair: Repair,
  stuck: readonly Stored[],
  before: Set<string>,
  signal: AbortSignal,
  report: CycleReport,
): Promise<void> {
  const ids = stuck.map(({ version }) => version.id);
  if (!(await fetchAndApply(repair, ids, signal, report))) return;
  await repair.write.run((tx) => {
    for (const { version, rev } of stuck) {
      const now = tx.records.get(version.kind, version.id);
      const isSame = now !== null && now.rev === rev && now.version.hlc === version.hlc;
      if (!isSame && !before.has(version.id)) continue;
      tx.outbox.park(
        version.id,
        "the remote holds a version of it that this machine cannot read or may not see",
      );
    }
  });
  for (const id of ids) before.add(id);
}

/**
 * Brings records to what the remote has of them.
 * @param floor up to which revision what the remote does not have was collected by it, rather than lost
 * @returns false where the remote turned out to be another one, and nothing more was done
 */
export async function fetchAndApply(
  { remote, write, machine, contact }: Repair,
  ids: readonly string[],
  signal: AbortSignal,
  report: CycleReport,
  floor: (facts: RemoteFacts) => number = ({ gcFloor }) => gcFloor,
): Promise<boolean> {
  for (let start = 0; start < ids.length; start += FETCH_IDS) {
    let asked = ids.slice(start, start + FETCH_IDS);
    while (asked.length > 0) {
      report.requests += 1;
      const answer = await remote.fetch(contact.request(), asked, signal);
      if (await contact.mendTrouble(answer, signal, report)) return false;
      const { records, rest } = answer;
      const there = new Set([...records.map(({ id }) => id), ...rest]);
      const gone = asked.filter((id) => !there.has(id));
      const changes = await write.run((tx) => {
        const done = noChanges();
        const applier = { machine, now: contact.now(), repairs: true };
        for (const record of records) applyRecord(tx, record, applier, done);
        for (const id of gone) applyGone(tx, id, floor(answer), applier, done);
        return done;
      });
      contact.tell(changes, report);
      asked = rest;
    }
  }
  return true;
}

/** The remote does not have the record: it was collected, or the remote has lost it and gets it again. */
function applyGone(tx: WriteTx, id: string, gcFloor: number, applier: Applier, changes: Changes): void {
  tx.setAside.remove(id);
  const stored = tx.records.find(id);
  if (stored === null || stored.rev === null) return;
  const { version, rev } = stored;
  // A purge is not forgotten: other copies, and conflicts, have yet to hear of it.
  if (rev <= gcFloor && !isPurged(version.fields)) {
    withdraw(tx, stored, { why: "collected", hlc: version.hlc, last_editor: "remote" }, applier, changes);
    return;
  }
  tx.records.put({ version, rev: null, base: null });
  tx.outbox.add({ kind: version.kind, id }, applier.now);
}
