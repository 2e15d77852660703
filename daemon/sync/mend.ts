import { toNode } from "../core/hlc.ts";
import type { Machine } from "../core/machine.ts";
import type { RemoteFacts } from "../remote/remote.ts";
import type { WriteTx } from "../store/writer.ts";
import { changeUnsent, renamed } from "./unsent.ts";

/**
 * The remote is another database: its revisions mean nothing here. Everything is to be sent as if it never had been,
 * and to be pulled as by a new machine; what both sides have is recognised by its stamp.
 */
export function startOver(tx: WriteTx, epoch: string, now: number): void {
  tx.records.forgetRevisions(0, now);
  tx.setAside.forgetAbove(0);
  tx.marks.forgetAbove(0);
  for (const key of [
    "cursor",
    "fill_from",
    "fill_below",
    "fill_place",
    "rewound_to",
    "collected_before",
    "doubt",
    "doubt_after",
    "last_push",
  ] as const) {
    tx.meta.set(key, null);
  }
  tx.meta.set("epoch", epoch);
}

/**
 * The remote is an older copy of itself: what it gave after `common` is not part of its history any more. What this
 * machine has of that is sent again; whatever took its place is pulled, and the two are merged.
 * @param common the newest revision that both are known to have had
 */
export function rewind(tx: WriteTx, common: number, now: number): void {
  tx.records.forgetRevisions(common, now);
  tx.setAside.forgetAbove(common);
  tx.marks.forgetAbove(common);
  tx.meta.set("cursor", Math.min(common, tx.meta.number("cursor")));
  tx.meta.set("rewound_to", common);
  const below = tx.meta.get("fill_below");
  if (below !== null) tx.meta.set("fill_below", Math.min(Number(below), common + 1));
}

/** Who this machine is from now on. */
export interface NewIdentity {
  id: string;
  incarnation: string;
  /** Whether the machine id is another one, and not only the incarnation. */
  clone: boolean;
}

/**
 * Somebody else pushed under this machine's id: it was cloned, or it is a clone, or this cache was restored from an
 * older copy. Which of them, this machine cannot see at once. Where its home is not where this life began, it is a
 * copy, and takes an id of its own. Else it takes a new incarnation and keeps its id: a restored machine is thereby
 * itself again. If another one then takes the id from it, there are two that live, and this one gives way.
 *
 * Nothing that was stamped in common is sent under the old name: two lives of one machine can give one stamp twice.
 */
export function takeIdentity(
  tx: WriteTx,
  machine: Machine,
  node: RemoteFacts["node"],
  host: string,
  newId: () => string,
): NewIdentity {
  const copied = tx.meta.get("host") !== null && tx.meta.get("host") !== host;
  const contested = tx.meta.get("claimed") === "arrived" && node?.incarnation !== machine.incarnation;
  const clone = copied || contested;
  const identity = { id: clone ? newId() : machine.id, incarnation: newId(), clone };
  tx.clock.setNode(toNode(identity.id, identity.incarnation));
  changeUnsent(tx, ({ version, rev }) => ({
    ...renamed(version, tx.clock.tick()),
    machineId: rev === null && version.machineId === machine.id ? identity.id : version.machineId,
    lastEditor: identity.id,
  }));
  tx.meta.set("incarnation", identity.incarnation);
  tx.meta.set("machine_id", identity.id);
  if (clone) tx.meta.set("former_machine_id", machine.id);
  tx.meta.set("host", host);
  tx.meta.set("claimed", clone ? null : "sent");
  // Its own pushes start anew; until the first arrives, the last one of the other life is not held against it.
  tx.meta.set("push_ids", JSON.stringify(clone || node === null ? [] : [node.pushId]));
  tx.meta.set("pushed_seq", clone ? 0 : (node?.pushSeq ?? 0));
  tx.meta.set("push_seq", Math.max(tx.meta.number("push_seq"), node?.pushSeq ?? 0));
  tx.meta.set("last_push", null);
  return identity;
}
