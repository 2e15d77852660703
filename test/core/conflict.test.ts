import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { conflictVersion, MAX_CONFLICT_BYTES } from "../../daemon/core/conflict.ts";
import { changedFields, type FieldConflict } from "../../daemon/core/merge.ts";
import { recordToVersion, type Version, versionToRecord } from "../../daemon/core/record.ts";
import { entryVersion, stamp } from "../support/store.ts";

const conflict: FieldConflict = {
  field: "note",
  base: null,
  local: "ours",
  remote: ["theirs"],
  localClock: stamp(1),
  remoteClock: stamp(2),
  winner: "remote",
};
const local = entryVersion("entry", { scope: "user", user: "ana" }, { lastEditor: "here" });
const remote = entryVersion("entry", {}, { lastEditor: "there" });
const report = (change: Partial<FieldConflict> = {}, at = 9) =>
  conflictVersion({ ...conflict, ...change }, local, remote, stamp(at), at);

test("a conflict record says what clashed, who wrote it when, and who decided", () => {
  expect(report()).toMatchObject({
    kind: "conflict",
    hlc: stamp(9),
    machineId: "here",
    lastEditor: "here",
    clocks: null,
    fields: {
      record_id: "entry",
      record_kind: "history",
      field: "note",
      base_value: null,
      local_value: "ours",
      remote_value: ["theirs"],
      local_clock: stamp(1),
      remote_clock: stamp(2),
      local_machine: "here",
      remote_machine: "there",
      winner: "remote",
      decided_by: "last_write_wins",
      omitted: null,
      resolved_at: null,
      resolution: null,
      resolved_by: null,
      timestamp: 9,
    },
  });
});

test("it is seen by those who see the entry", () => {
  expect(report().fields).toMatchObject({ scope: "user", user: "ana" });
});

test("the same clash met again is the same record; another field or another write is another one", () => {
  const { id } = report();
  expect(report({}, 500).id).toBe(id);
  const others = [{ field: "tags" }, { localClock: stamp(3) }, { remoteClock: stamp(3) }];
  expect(new Set([id, ...others.map((change) => report(change).id)]).size).toBe(4);
});

test("it travels like any record", () => {
  const version = report();
  const arrived = recordToVersion(versionToRecord(version, 1, null));
  expect({ ...arrived, fields: version.fields }).toStrictEqual(version);
  expect(changedFields(version.fields, arrived.fields)).toBeNull();
});

describe("values that are too much together", () => {
  const text = (bytes: number): string => "x".repeat(bytes - 2);
  const valuesOf = ({ fields }: Version) => [fields.base_value, fields.local_value, fields.remote_value];
  const bytesOf = (values: readonly unknown[]): number =>
    values.reduce<number>((sum, value) => sum + Buffer.byteLength(JSON.stringify(value)), 0);

  test("are all kept up to the limit", () => {
    const [small, large] = [text(500_000), text(MAX_CONFLICT_BYTES - 1_000_000)];
    const version = report({ base: small, local: large, remote: small });
    expect(valuesOf(version)).toEqual([small, large, small]);
    expect(version.fields.omitted).toBeNull();
  });

  test("lose the base first", () => {
    const [small, large] = [text(500_000), text(MAX_CONFLICT_BYTES - 999_999)];
    const version = report({ base: small, local: large, remote: small });
    expect(valuesOf(version)).toEqual([null, large, small]);
    expect(version.fields.omitted).toEqual(["base_value"]);
  });

  test.each(["local", "remote"] as const)("and then the winner's, which the record holds: %s", (winner) => {
    const [base, ours, theirs] = ["b", "l", "r"].map((letter) => letter.repeat(3 * 1024 * 1024));
    const version = report({ base: base!, local: ours!, remote: theirs!, winner });
    expect(valuesOf(version)).toEqual(winner === "local" ? [null, null, theirs] : [null, ours, null]);
    expect(version.fields.omitted).toEqual(["base_value", `${winner}_value`]);
  });

  test("lose no value that is null, and name none that is there", () => {
    const version = report({ base: null, local: text(3_000_000), remote: text(3_000_000), winner: "remote" });
    expect(version.fields.omitted).toEqual(["remote_value"]);
    expect(report({ base: null, local: text(5_000_000), remote: null }).fields.omitted).toBeNull();
  });

  test("are measured in bytes of JSON", () => {
    // Two bytes a letter, and two of JSON a quote.
    for (const letter of ["ç", '"']) {
      const value = letter.repeat(MAX_CONFLICT_BYTES / 4);
      expect(report({ base: "b", local: value, remote: value }).fields.omitted).toEqual([
        "base_value",
        "remote_value",
      ]);
    }
  });

  test("in any case keep the loser's, fit where they can, and say what is missing", () => {
    const value = fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.array(fc.string(), { maxLength: 3 }),
      fc
        .tuple(fc.constantFrom("x", "ã", "\n", "😀"), fc.constantFrom(1, 400_000, 900_000, 1_800_000))
        .map(([letter, times]) => letter.repeat(times)),
    );
    fc.assert(
      fc.property(value, value, value, fc.constantFrom("local", "remote"), (base, ours, theirs, winner) => {
        const version = report({ base, local: ours, remote: theirs, winner });
        const names = ["base_value", "local_value", "remote_value"];
        const omitted = (version.fields.omitted ?? []) as string[];
        const loser = winner === "local" ? "remote" : "local";
        expect(omitted).not.toContain(`${loser}_value`);
        for (const [index, given] of [base, ours, theirs].entries()) {
          const isOmitted = omitted.includes(names[index]!);
          if (isOmitted) expect(given).not.toBeNull();
          // Not toEqual: its messages about megabytes take seconds.
          const kept = JSON.stringify(version.fields[names[index]!]);
          expect(kept === JSON.stringify(isOmitted ? null : given)).toBe(true);
        }
        if (bytesOf(valuesOf(version)) > MAX_CONFLICT_BYTES) {
          const nothingLeft = [base, winner === "local" ? ours : theirs].every(
            (given, index) =>
              given === null || omitted.includes(index === 0 ? "base_value" : `${winner}_value`),
          );
          expect(nothingLeft).toBe(true);
        }
        if (bytesOf([base, ours, theirs]) <= MAX_CONFLICT_BYTES) expect(omitted).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});
