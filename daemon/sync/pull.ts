import { PROTOCOL_VERSION, type PullAnswer, RemoteError, type Selection } from "../remote/remote.ts";
import type { WriteTx } from "../store/writer.ts";
import { type Applied, type Applier, applyRecord } from "./apply-page.ts";

/** Where the next pull starts. */
export interface PullPosition {
  cursor: number;
  selection: Selection;
}

/**
 * The cursor holds for what was selected when it was made. Where the selection differs now (another user was
 * configured), pulling starts over; what is here already is recognised by its revision.
 */
export function pullPosition(
  meta: { get(key: "cursor" | "selection"): string | null },
  selection: Selection,
): PullPosition {
  const same = meta.get("selection") === JSON.stringify(selection);
  return { cursor: same ? Number(meta.get("cursor") ?? 0) : 0, selection };
}

/**
 * Applies a page and moves the cursor past it, both in the given transaction: after a crash the page is pulled again.
 * @param revAfter newest revision once this machine's own push is counted, which the page does not hold
 * @throws RemoteError `guard` where the remote is not the one that the cursor belongs to
 */
export function applyPage(
  tx: WriteTx,
  answer: PullAnswer,
  position: PullPosition,
  revAfter: number,
  applier: Applier,
): Applied {
  checkRemote(tx, answer, position.cursor);
  const total: Applied = { downloaded: 0, conflicts: 0 };
  for (const record of answer.records) {
    const { downloaded, conflicts } = applyRecord(tx, record, applier);
    total.downloaded += downloaded;
    total.conflicts += conflicts;
  }
  const cursor = answer.complete ? revAfter : (answer.records.at(-1)?.rev ?? position.cursor);
  tx.meta.set("epoch", answer.epoch);
  const { machineId, user } = position.selection;
  if (tx.meta.get("selection") !== JSON.stringify(position.selection))
    tx.records.dropForeign(machineId, user);
  tx.meta.set("selection", JSON.stringify(position.selection));
  tx.meta.set("cursor", String(cursor));
  return total;
}

/** What a person can do about a remote that is not the one this cache knows. */
const MEND =
  "point TURSO_DATABASE_URL at the right database, or stop historyd, move cache.db aside and start it again: " +
  "everything on the remote is pulled anew, and entries not sent yet stay in the file that was moved";

function checkRemote(tx: WriteTx, answer: PullAnswer, cursor: number): void {
  if (answer.minProtocol > PROTOCOL_VERSION) {
    throw new RemoteError(
      "guard",
      "HD_PROTO",
      "this historyd is too old for the remote; install a newer version",
    );
  }
  const epoch = tx.meta.get("epoch");
  if (epoch !== null && epoch !== answer.epoch) {
    throw new RemoteError(
      "guard",
      "HD_EPOCH",
      `the remote is not the database this cache was synchronised with (epoch ${answer.epoch}, expected ${epoch}); nothing was changed on either side; ${MEND}`,
    );
  }
  if (answer.serverRev < cursor) {
    throw new RemoteError(
      "guard",
      "HD_AHEAD",
      `the remote is older than what this cache has already seen of it (revision ${answer.serverRev}, seen ${cursor}): it was restored from a backup; nothing was changed on either side; ${MEND}`,
    );
  }
}
