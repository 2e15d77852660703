import { networkInterfaces } from "node:os";
import type { Timers } from "../core/timers.ts";

/** How often the addresses are looked at. Node has no event for it, and the look costs some 50 µs. */
const LOOK_MS = 5000;

/**
 * Calls back whenever this machine's network addresses change: a cable, a wireless network, a VPN. Runs until the
 * signal is aborted.
 */
export async function watchNetwork(timers: Timers, onChange: () => void, signal: AbortSignal): Promise<void> {
  let known = addresses();
  while (!signal.aborted) {
    await timers.sleep(LOOK_MS, signal);
    const current = addresses();
    if (current !== known) onChange();
    known = current;
  }
}

function addresses(): string {
  return Object.entries(networkInterfaces())
    .flatMap(([name, list]) => (list ?? []).map(({ address }) => `${name} ${address}`))
    .toSorted()
    .join("\n");
}
