import type { PullAnswer } from "../remote/remote.ts";
import type { Contact } from "./contact.ts";
import type { CycleReport, EngineOptions, FillPosition } from "./engine.ts";
import { belowPage, settleFill } from "./settle.ts";

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
  const leaving = new AbortController();
  const ask = (below: number): Promise<PullAnswer> => {
    report.requests += 1;
    const answer = remote.fill(contact.request(), below, AbortSignal.any([signal, leaving.signal]));
    // One that fails while the page before it is applied is heard of afterwards, and must not end the process.
    answer.catch(() => undefined);
    return answer;
  };
  const start = read.meta.get("fill_below");
  let asked = start === null ? null : ask(Number(start));
  for (let page = 1; asked !== null; page++) {
    const answer: PullAnswer = await asked;
    // The next slice goes on where that has left it.
    if (await contact.mendTrouble(answer, signal, report)) break;
    const below = belowPage(answer);
    // The remote makes the next page while this one is applied: it depends on nothing but where this one ends.
    asked = below === null || page === PAGES_PER_SLICE ? null : ask(below);
    try {
      const changes = await write.run((tx) => settleFill(tx, answer, contact.receiver()));
      contact.tell(changes, report);
    } catch (error) {
      // Nothing may be under way when the next cycle begins.
      leaving.abort();
      await asked?.catch(() => undefined);
      throw error;
    }
  }
  const left = read.meta.get("fill_below");
  return left === null ? null : { from: read.meta.number("fill_from"), below: Number(left) };
}
