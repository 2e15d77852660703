import { PROTOCOL_VERSION, RemoteError, type RemoteFacts } from "../remote/remote.ts";
import type { Reads } from "../store/store.ts";

type MetaReads = Reads["meta"];

/**
 * What the facts of an answer say is wrong between this machine and the remote.
 * - `replaced`: it is another database than it was
 * - `restored`: it was restored from an older copy
 * - `clone`: somebody else pushes under this machine's id, or this cache is an older copy of itself
 */
export type Trouble = "replaced" | "restored" | "clone";

/** @throws RemoteError `HD_PROTO` where this historyd is too old for the remote */
export function findTrouble(meta: MetaReads, facts: RemoteFacts): Trouble | null {
  if (facts.minProtocol > PROTOCOL_VERSION) {
    throw new RemoteError(
      "guard",
      "HD_PROTO",
      "this historyd is too old for the remote; install a newer version",
    );
  }
  const epoch = meta.get("epoch");
  if (epoch !== null && epoch !== facts.epoch) return "replaced";
  if (epoch !== null && (facts.serverRev < meta.number("cursor") || !facts.knowsMark)) return "restored";
  return isForeign(meta, facts.node) ? "clone" : null;
}

/** Whether the last push under this machine's id is none that this cache knows of. */
function isForeign(meta: MetaReads, node: RemoteFacts["node"]): boolean {
  if (node === null || node.pushSeq < meta.number("pushed_seq")) return false;
  return !pushIds(meta).includes(node.pushId);
}

/** The ids that the last push of this machine can have. */
export function pushIds(meta: MetaReads): string[] {
  return JSON.parse(meta.get("push_ids") ?? "[]") as string[];
}
