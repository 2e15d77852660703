import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createHybridClock, type HybridClock } from "../../daemon/core/hlc.ts";
import { changedFields, editedClocks, type FieldConflict, mergeVersions } from "../../daemon/core/merge.ts";
import type { Fields, Version } from "../../daemon/core/record.ts";
import { entryVersion } from "../support/store.ts";

// Machines that edit one record as the protocol lets them: a server holds one line of versions and takes an edit only
// of the version it has; who comes too late merges and sends again. Answers of the server get lost, and clocks are
// wrong by days. Every value that is ever written is another one, so that each can be followed.

const FIELDS = ["command", "note", "response"];
const DAY = 24 * 60 * 60 * 1000;

interface Held {
  version: Version;
  rev: number | null;
  base: Fields | null;
}

interface Machine {
  node: string;
  clock: HybridClock;
  held: Held | null;
  conflicts: FieldConflict[];
}

type Step =
  | { do: "edit"; machine: number; field: string }
  | { do: "push"; machine: number; lost: boolean }
  | { do: "pull"; machine: number }
  | { do: "jump"; machine: number; ms: number };

const machine = fc.nat(3);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("edit" as const), machine, field: fc.constantFrom(...FIELDS) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("push" as const), machine, lost: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("pull" as const), machine }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("jump" as const),
      machine,
      ms: fc.constantFrom(-3 * DAY, -5000, 5000, 3 * DAY),
    }),
  },
);

function createWorld() {
  let server: { version: Version; rev: number } | null = null;
  let serial = 0;
  const offsets = [0, 0, 0, 0];
  const machines = offsets.map((_, index): Machine => {
    const node = String(index).repeat(12);
    const now = () => 1_700_000_000_000 + serial + offsets[index]!;
    return { node, clock: createHybridClock({ now, node }), held: null, conflicts: [] };
  });
  /** Every value written, where, and those that somebody replaced who had it before their eyes. */
  const written: { field: string; value: string; node: string }[] = [];
  const overwritten = new Set<unknown>();

  function newValue(field: string, node: string): string {
    serial += 1;
    written.push({ field, value: `v${serial}`, node });
    return `v${serial}`;
  }

  function create(m: Machine): void {
    const fields = Object.fromEntries(FIELDS.map((field) => [field, newValue(field, m.node)]));
    const version = entryVersion("id", fields, { hlc: m.clock.tick(), lastEditor: m.node });
    m.held = { version, rev: null, base: null };
  }

  function edit(m: Machine, field: string): void {
    if (m.held === null) return;
    const { version, rev, base } = m.held;
    overwritten.add(version.fields[field]);
    const fields = { ...version.fields, [field]: newValue(field, m.node) };
    const hlc = m.clock.tick();
    m.held = {
      version: { ...version, hlc, lastEditor: m.node, clocks: editedClocks(version, [field], hlc), fields },
      rev,
      base: rev === null ? null : { ...changedFields(version.fields, fields), ...base },
    };
  }

  function isPending({ held }: Machine): boolean {
    return held !== null && (held.rev === null || held.base !== null);
  }

  function push(m: Machine, lost: boolean): void {
    if (!isPending(m)) return;
    const { version, rev } = m.held!;
    if ((server?.rev ?? null) !== rev) return;
    server = { version, rev: (server?.rev ?? 0) + 1 };
    if (!lost) m.held = { version, rev: server.rev, base: null };
  }

  function pull(m: Machine): void {
    if (server === null || (m.held?.rev ?? 0) >= server.rev) return;
    const { version: theirs, rev } = server;
    m.clock.observe(theirs.hlc);
    if (m.held === null || !isPending(m) || m.held.version.hlc === theirs.hlc) {
      m.held = { version: theirs, rev, base: null };
      return;
    }
    const ours = m.held.version;
    const base =
      theirs.lastEditor === m.node ? theirs.fields : m.held.base && { ...ours.fields, ...m.held.base };
    const { fields, clocks, conflicts, ahead } = mergeVersions(base, ours, theirs);
    m.conflicts.push(...conflicts);
    m.held = ahead
      ? {
          version: { ...theirs, hlc: m.clock.tick(), lastEditor: m.node, clocks, fields },
          rev,
          base: changedFields(theirs.fields, fields),
        }
      : { version: theirs, rev, base: null };
  }

  function run(next: Step): void {
    const m = machines[next.machine]!;
    if (next.do === "edit") edit(m, next.field);
    else if (next.do === "push") push(m, next.lost);
    else if (next.do === "pull") pull(m);
    else offsets[next.machine]! += next.ms;
  }

  function atRest(): boolean {
    return machines.every((m) => !isPending(m) && m.held?.rev === server?.rev);
  }

  /** Faults have stopped: everyone synchronises in turn. @returns how many rounds it took until nothing was left */
  function settle(): number {
    for (let round = 1; ; round++) {
      for (const m of machines) {
        pull(m);
        push(m, false);
      }
      if (atRest()) return round;
      if (round > 20) throw new Error("it does not come to rest");
    }
  }

  return { machines, create, run, settle, written, overwritten };
}

test("machines that synchronise come to the same version, and no value is lost without a trace", () => {
  let conflictsSeen = 0;
  fc.assert(
    fc.property(fc.boolean(), fc.array(step, { maxLength: 60, size: "max" }), (known, steps) => {
      const world = createWorld();
      world.create(world.machines[0]!);
      if (known) world.settle();
      for (const next of steps) world.run(next);
      // One round sends everything, the next one brings it to those who came first.
      expect(world.settle()).toBeLessThanOrEqual(2);

      const [first, ...others] = world.machines.map((m) => m.held);
      for (const other of others) expect(other).toEqual(first);

      const conflicts = world.machines.flatMap((m) => m.conflicts);
      conflictsSeen += conflicts.length;
      const traces = new Set<unknown>([
        ...Object.values(first!.version.fields),
        ...world.overwritten,
        ...conflicts.flatMap(({ local, remote }) => [local, remote]),
      ]);
      for (const { value } of world.written) expect(traces).toContain(value);

      for (const field of FIELDS) {
        // The creation aside, which everyone knew before they edited.
        const edits = world.written.filter((each) => each.field === field).slice(1);
        if (new Set(edits.map(({ node }) => node)).size !== 1) continue;
        expect(first!.version.fields[field]).toBe(edits.at(-1)!.value);
      }
    }),
    { numRuns: 1000 },
  );
  expect(conflictsSeen).toBeGreaterThan(500);
});

test("the later write of a field wins everywhere, in whatever order the machines meet", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), (order) => {
      const world = createWorld();
      world.create(world.machines[0]!);
      world.settle();
      for (const index of [2, 0, 3, 1]) world.run({ do: "edit", machine: index, field: "note" });
      const last = world.written.at(-1)!.value;
      for (const index of order) {
        world.run({ do: "pull", machine: index });
        world.run({ do: "push", machine: index, lost: false });
      }
      world.settle();
      expect(world.machines.map(({ held }) => held!.version.fields.note)).toEqual([last, last, last, last]);
    }),
  );
});
