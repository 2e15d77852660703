import { expect, test } from "vitest";
import { conflictVersion } from "../../daemon/core/conflict.ts";
import type { FieldConflict } from "../../daemon/core/merge.ts";
import { recordToVersion, versionToRecord } from "../../daemon/core/record.ts";
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
  expect(recordToVersion(versionToRecord(version, 1, null))).toStrictEqual(version);
});
