import type { Contact } from "./contact.ts";
import type { CycleReport, EngineOptions, FillPosition } from "./engine.ts";
import { settleFill } from "./settle.ts";

/** Pages in one slice: what is written meanwhile does not wait longer than for these. */
const PAGES_PER_SLICE = 16;

/**
 * Goes on filling a cache from the newest revision backwards, some pages at a time, so that a new machine can search
 * today's entries at once. What changes meanwhile comes from above, as ever.
 * @returns how far it has come; null where nothing is left to fill
 */
export async function fillSlice(
  { remote, read, write, contact }: Pick<EngineOptions, "remote" | "read" | "write"> & { contact: Contact },
  signal: AbortSignal,
  report: CycleReport,
): Promise<FillPosition | null> {
  for (let page = 0; page < PAGES_PER_SLICE; page++) {
    const below = read.meta.get("fill_below");
    if (below === null) return null;
    report.requests += 1;
    const answer = await remote.fill(contact.request(), Number(below), signal);
    // The next slice goes on where that has left it.
    if (await contact.mendTrouble(answer, signal, report)) break;
    const changes = await write.run((tx) => settleFill(tx, answer, contact.receiver()));
    contact.tell(changes, report);
  }
  const left = read.meta.get("fill_below");
  return left === null ? null : { from: read.meta.number("fill_from"), below: Number(left) };
}
