import { createHash } from "node:crypto";

/**
 * A hybrid logical clock stamp (Kulkarni et al., "Logical Physical Clocks", 2014) as text that sorts by time:
 * `<48-bit ms, 12 hex>-<16-bit counter, 4 hex>-<node, 12 hex>`. The node makes two machines' stamps differ, so a
 * stamp names exactly one version of one record.
 */
export type Hlc = string;

const HLC_PATTERN = /^[0-9a-f]{12}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const MAX_COUNTER = 0xffff;
const MAX_MS = 2 ** 48 - 1;

/**
 * How far a stamp may lie in the future. Another machine's that is further ahead is not followed: a wrong clock must
 * not drag everyone else's along. One of our own is given up as soon as the remote has told what time it is; the
 * remote refuses it, so that it never left.
 */
export const MAX_CLOCK_AHEAD_MS = 5 * 60 * 1000;

export function isHlc(text: string): boolean {
  return HLC_PATTERN.test(text);
}

/** The physical part of a stamp, ms since the epoch. */
export function hlcToMs(hlc: Hlc): number {
  return Number.parseInt(hlc.slice(0, 12), 16);
}

/** Who stamped it. */
export function hlcToNode(hlc: Hlc): string {
  return hlc.slice(18);
}

/** The node part for a machine in one of its incarnations. */
export function toNode(machineId: string, incarnation: string): string {
  return createHash("sha256").update(`${machineId}\n${incarnation}`).digest("hex").slice(0, 12);
}

function formatHlc(ms: number, counter: number, node: string): Hlc {
  return `${ms.toString(16).padStart(12, "0")}-${counter.toString(16).padStart(4, "0")}-${node}`;
}

/** A machine's clock. Whoever owns it persists `last()` with what was stamped and gives it back at the next start. */
export interface HybridClock {
  /** A stamp later than every stamp given or seen before. */
  tick(): Hlc;
  /** Takes note of another machine's stamp, so that our next one is later. */
  observe(hlc: Hlc): void;
  last(): Hlc;
  /** From now on stamps name another node. */
  setNode(node: string): void;
  /** Goes back to this time, ms: only where no stamp after it has left the machine. */
  rewind(toMs: number): void;
}

/** @param options.now the physical clock, ms since the epoch, already corrected where its error is known */
export function createHybridClock(options: { now: () => number; node: string; last?: Hlc }): HybridClock {
  let ms = 0;
  let counter = 0;
  let { node } = options;
  if (options.last !== undefined) adopt(options.last);

  function adopt(hlc: Hlc): void {
    ms = hlcToMs(hlc);
    counter = Number.parseInt(hlc.slice(13, 17), 16);
  }

  return {
    tick() {
      const physical = Math.min(MAX_MS, Math.max(0, Math.trunc(options.now())));
      if (physical > ms) {
        ms = physical;
        counter = 0;
      } else if (counter < MAX_COUNTER) {
        counter += 1;
      } else {
        ms += 1;
        counter = 0;
      }
      return formatHlc(ms, counter, node);
    },
    observe(hlc) {
      if (!isHlc(hlc) || hlcToMs(hlc) > options.now() + MAX_CLOCK_AHEAD_MS) return;
      if (hlc.slice(0, 17) > formatHlc(ms, counter, "")) adopt(hlc);
    },
    last: () => formatHlc(ms, counter, node),
    setNode(next) {
      node = next;
    },
    rewind(toMs) {
      ms = Math.max(0, Math.trunc(toMs));
      counter = 0;
    },
  };
}
