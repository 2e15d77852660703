import { type Hlc, hlcToMs } from "../core/hlc.ts";
import type { FieldClocks, Version } from "../core/record.ts";
import type { Stored } from "../store/records.ts";
import type { WriteTx } from "../store/writer.ts";

/** Rewrites every version that the remote does not have. @param change null leaves a version as it is */
export function changeUnsent(tx: WriteTx, change: (stored: Stored) => Version | null): void {
  for (const { kind, id } of tx.outbox.all()) {
    const stored = tx.records.get(kind, id);
    const version = stored === null ? null : change(stored);
    if (stored !== null && version !== null) tx.records.put({ ...stored, version });
  }
}

/** The version under another name. When its fields were written stays what it was. */
export function renamed(version: Version, hlc: Hlc): Version {
  return { ...version, hlc, clocks: version.clocks ?? { "*": version.hlc } };
}

/** The version with this stamp instead of all those after `limitMs`; null where there is none. */
export function withoutFutureStamps(version: Version, limitMs: number, stamp: () => Hlc): Version | null {
  const clocks = Object.entries(version.clocks ?? {});
  if (![version.hlc, ...clocks.map(([, clock]) => clock)].some((clock) => hlcToMs(clock) > limitMs))
    return null;
  const hlc = stamp();
  if (version.clocks === null) return { ...version, hlc };
  const kept: FieldClocks = {};
  for (const [field, clock] of clocks) kept[field] = hlcToMs(clock) > limitMs ? hlc : clock;
  return { ...version, hlc, clocks: kept };
}

/**
 * Takes from the outbox what has nothing to send, and names in it what has; gives parked records another try.
 * @returns how many items changed
 */
export function mendOutbox(tx: WriteTx, now: number): number {
  tx.outbox.unparkAll();
  return tx.records.mendOutbox(now);
}
