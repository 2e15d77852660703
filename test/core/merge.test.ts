import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Json, sameJson } from "../../daemon/core/json.ts";
import { changedFields, editedClocks, fieldClock, mergeVersions } from "../../daemon/core/merge.ts";
import type { Fields, Version } from "../../daemon/core/record.ts";
import { entryVersion, stamp } from "../support/store.ts";

const NAMES = ["command", "note", "tags", "pinned", "response"];
const BIRTH = 1_700_000_000_000;

/** Few values, so that both sides often choose the same one; a list, because lists are compared by content. */
const value: fc.Arbitrary<Json> = fc.constantFrom<Json[]>(null, "x", "y", "z", true, ["a"], ["a", "b"]);
const base = fc.record(Object.fromEntries(NAMES.map((name) => [name, value])));
/** The edits one side made: field, new value, milliseconds after the record's creation. */
const edits = fc.array(fc.tuple(fc.constantFrom(...NAMES), value, fc.integer({ min: 1, max: 50 })), {
  maxLength: 6,
});
type Edits = [string, Json, number][];

function created(fields: Fields): Version {
  return entryVersion("id", fields, { hlc: stamp(BIRTH) });
}

/** The version after these edits by one machine, its clock growing as a machine's does. */
function edited(from: Version, by: Edits, node: string): Version {
  const version = { ...from, fields: { ...from.fields } };
  for (const [index, [field, after, ms]] of by.entries()) {
    version.hlc = stamp(BIRTH + ms, index, node);
    version.clocks = editedClocks(version.clocks === null ? from : version, [field], version.hlc);
    version.fields[field] = after;
  }
  return version;
}

const A = "aaaaaaaaaaaa";
const B = "bbbbbbbbbbbb";

function sides(fields: Fields, ours: Edits, theirs: Edits) {
  const origin = created(fields);
  const sorted = (by: Edits) => by.toSorted((a, b) => a[2] - b[2]);
  return { origin, local: edited(origin, sorted(ours), A), remote: edited(origin, sorted(theirs), B) };
}

describe("with the common version known", () => {
  test("what one side changed is taken, and what both changed goes to the later write and is reported", () => {
    fc.assert(
      fc.property(base, edits, edits, (fields, ours, theirs) => {
        const { origin, local, remote } = sides(fields, ours, theirs);
        const merged = mergeVersions(origin.fields, local, remote);
        for (const name of NAMES) {
          const [was, mine, other] = [origin, local, remote].map((side) => side.fields[name] ?? null) as [
            Json,
            Json,
            Json,
          ];
          const conflict = merged.conflicts.find(({ field }) => field === name);
          const result = merged.fields[name];
          if (sameJson(mine, other)) {
            expect([result, conflict]).toEqual([mine, undefined]);
          } else if (sameJson(mine, was)) {
            expect([result, conflict]).toEqual([other, undefined]);
          } else if (sameJson(other, was)) {
            expect([result, conflict]).toEqual([mine, undefined]);
          } else {
            const ourClock = fieldClock(local, name);
            const theirClock = fieldClock(remote, name);
            const winner = ourClock > theirClock ? "local" : "remote";
            expect(result).toEqual(winner === "local" ? mine : other);
            expect(conflict).toEqual({
              field: name,
              base: was,
              local: mine,
              remote: other,
              localClock: ourClock,
              remoteClock: theirClock,
              winner,
            });
          }
        }
        expect(merged.conflicts.length).toBe(new Set(merged.conflicts.map(({ field }) => field)).size);
      }),
      { numRuns: 500 },
    );
  });

  test("a field that one side edited survives even against a clock far in the future", () => {
    const origin = created({ command: "a", note: "old" });
    const far = stamp(BIRTH * 3, 0, B);
    const remote = {
      ...origin,
      hlc: far,
      clocks: editedClocks(origin, ["command"], far),
      fields: { ...origin.fields, command: "b" },
    };
    const local = edited(origin, [["note", "new", 1]], A);
    const { fields, conflicts } = mergeVersions(origin.fields, local, remote);
    expect([fields.command, fields.note, conflicts]).toEqual(["b", "new", []]);
  });

  test("delete and edit are different fields: both happen", () => {
    const origin = created({ command: "a" });
    const local = edited(origin, [["deleted_at", 5, 1]], A);
    const remote = edited(origin, [["note", "kept", 2]], B);
    const { fields, conflicts } = mergeVersions(origin.fields, local, remote);
    expect([fields.deleted_at, fields.note, conflicts]).toEqual([5, "kept", []]);
  });

  test("back to the common value after an earlier value of ours was sent counts as our change", () => {
    // Sent "b", the answer was lost, changed back to "a"; meanwhile another machine edited another field of "b".
    const origin = created({ note: "a", command: "x" });
    const sent = edited(origin, [["note", "b", 1]], A);
    const local = edited(sent, [["note", "a", 2]], A);
    const remote = edited(sent, [["command", "y", 3]], B);
    const { fields, conflicts } = mergeVersions(origin.fields, local, remote);
    expect([fields.note, fields.command]).toEqual(["a", "y"]);
    expect(conflicts.map(({ field, winner }) => [field, winner])).toEqual([["note", "local"]]);
  });
});

describe("without a common version, of a record that was never acknowledged", () => {
  test("a field counts as changed where it was edited", () => {
    fc.assert(
      fc.property(base, edits, edits, (fields, ours, theirs) => {
        const { local, remote } = sides(fields, ours, theirs);
        const merged = mergeVersions(null, local, remote);
        for (const name of NAMES) {
          const [mine, other] = [local.fields[name] ?? null, remote.fields[name] ?? null];
          const touched = (by: Edits) => by.some(([field]) => field === name);
          const conflict = merged.conflicts.find(({ field }) => field === name);
          expect(conflict !== undefined).toBe(!sameJson(mine, other) && touched(ours) && touched(theirs));
          if (conflict) expect(conflict).toMatchObject({ base: null, local: mine, remote: other });
          if (touched(ours) && !touched(theirs)) expect(merged.fields[name]).toEqual(mine);
          if (touched(theirs) && !touched(ours)) expect(merged.fields[name]).toEqual(other);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("two different records under one id conflict in every field that differs", () => {
    const ours = entryVersion("id", { command: "ls", note: "same" }, { hlc: stamp(BIRTH, 0, A) });
    const theirs = entryVersion("id", { command: "pwd", note: "same" }, { hlc: stamp(BIRTH + 1, 0, B) });
    const { fields, conflicts } = mergeVersions(null, ours, theirs);
    expect(fields.command).toBe("pwd");
    expect(conflicts.map(({ field, local, remote }) => [field, local, remote])).toEqual([
      ["command", "ls", "pwd"],
    ]);
  });
});

const anyBase = fc.boolean();

test("no value is lost without a trace: each side's is in the result, in a conflict, or was the common one", () => {
  fc.assert(
    fc.property(base, edits, edits, anyBase, (fields, ours, theirs, known) => {
      const { origin, local, remote } = sides(fields, ours, theirs);
      const merged = mergeVersions(known ? origin.fields : null, local, remote);
      for (const name of NAMES) {
        const kept = [
          merged.fields[name] ?? null,
          origin.fields[name] ?? null,
          ...merged.conflicts
            .filter(({ field }) => field === name)
            .flatMap((each) => [each.local, each.remote]),
        ];
        for (const side of [local, remote]) {
          expect(kept.some((one) => sameJson(one, side.fields[name] ?? null))).toBe(true);
        }
      }
    }),
  );
});

test("either side comes to the same result", () => {
  fc.assert(
    fc.property(base, edits, edits, anyBase, (fields, ours, theirs, known) => {
      const { origin, local, remote } = sides(fields, ours, theirs);
      const common = known ? origin.fields : null;
      const here = mergeVersions(common, local, remote);
      const there = mergeVersions(common, remote, local);
      expect(here.fields).toEqual(there.fields);
      const swapped = there.conflicts.map((conflict) => ({
        ...conflict,
        local: conflict.remote,
        remote: conflict.local,
        localClock: conflict.remoteClock,
        remoteClock: conflict.localClock,
        winner: conflict.winner === "local" ? "remote" : "local",
      }));
      const byField = (a: { field: string }, b: { field: string }) => (a.field < b.field ? -1 : 1);
      expect(here.conflicts.toSorted(byField)).toEqual(swapped.toSorted(byField));
    }),
  );
});

test("merging again changes nothing, and says that there is nothing to send", () => {
  fc.assert(
    fc.property(base, edits, edits, anyBase, (fields, ours, theirs, known) => {
      const { origin, local, remote } = sides(fields, ours, theirs);
      const merged = mergeVersions(known ? origin.fields : null, local, remote);
      expect(merged.ahead).toBe(changedFields(remote.fields, merged.fields) !== null);

      const result: Version = { ...remote, hlc: stamp(BIRTH + 99), ...merged };
      expect(mergeVersions(remote.fields, result, result)).toMatchObject({ conflicts: [], ahead: false });
      const again = mergeVersions(remote.fields, result, remote);
      expect(again.fields).toEqual(merged.fields);
      expect(again.conflicts).toEqual([]);
      expect(again.ahead).toBe(merged.ahead);
      for (const name of NAMES)
        expect(fieldClock({ ...result, clocks: again.clocks }, name)).toBe(fieldClock(result, name));
    }),
  );
});

test("the same changes on both sides are no conflict, and the remote's version stands", () => {
  fc.assert(
    fc.property(base, edits, anyBase, (fields, both, known) => {
      const { origin, local, remote } = sides(fields, both, both);
      const merged = mergeVersions(known ? origin.fields : null, local, remote);
      expect(merged).toEqual({ fields: remote.fields, clocks: remote.clocks, conflicts: [], ahead: false });
    }),
  );
});

test("a merged field keeps the clock of the write it came from", () => {
  fc.assert(
    fc.property(base, edits, edits, (fields, ours, theirs) => {
      const { origin, local, remote } = sides(fields, ours, theirs);
      const merged = mergeVersions(origin.fields, local, remote);
      for (const name of NAMES) {
        const fromUs = !sameJson(merged.fields[name] ?? null, remote.fields[name] ?? null);
        // The merged version gets a stamp of its own, which must date no field.
        const hlc = merged.ahead ? stamp(BIRTH + 999) : remote.hlc;
        const clock = fieldClock({ hlc, clocks: merged.clocks }, name);
        expect(clock).toBe(fieldClock(fromUs ? local : remote, name));
      }
    }),
  );
});

describe("clocks by field", () => {
  test("hold an edit's stamp for its fields, and the creation's for the others, through any number of edits", () => {
    fc.assert(
      fc.property(edits, (by) => {
        const version = edited(created({}), by, A);
        for (const name of NAMES) {
          const last = by.map(([field], index) => ({ field, index })).findLast(({ field }) => field === name);
          const expected =
            last === undefined ? stamp(BIRTH) : stamp(BIRTH + by[last.index]![2], last.index, A);
          expect(fieldClock(version, name)).toBe(expected);
        }
      }),
    );
  });
});

describe("changed fields", () => {
  test("are those that differ, with the values they had; a missing field is null", () => {
    expect(changedFields({ a: 1, b: null, c: ["x"] }, { a: 2, c: ["x"], d: null, e: "new" })).toEqual({
      a: 1,
      e: null,
    });
    expect(changedFields({ a: null }, {})).toBeNull();
  });
});
