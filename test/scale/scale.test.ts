import { expect, test } from "vitest";
import { parseScaleArguments } from "./arguments.ts";
import { compareRows, digestRows, expectedRows, type Row } from "./compare.ts";
import { runToFigures } from "./figures.ts";
import { createHistogram } from "./histogram.ts";
import { runScale } from "./run.ts";
import { brokenPromises, lossesOf } from "./verdict.ts";

const NONE = { lost: 0, doubled: 0, altered: 0 };

test("eight machines and a server that is killed: nothing lost, nothing doubled, idleness is reads only", async () => {
  const options = parseScaleArguments(
    "--machines 8 --workers 2 --interval-ms 400 --steady 4 --idle 3 --record-every-ms 400 --down-ms 200".split(
      " ",
    ),
  );
  const run = await runScale(options, () => undefined);
  expect(brokenPromises(run)).toEqual([]);
  expect(lossesOf(run)).toEqual({ onServer: NONE, onMachines: NONE, machinesThatDiffer: 0 });
  expect(run.entries).toBeGreaterThan(8 * options.backlog);

  const { idle, phases } = runToFigures(run, options);
  expect(phases.map(({ name }) => name)).toEqual(["start", "steady", "restart", "drain", "idle"]);
  // One request a cycle, and cycles no closer together than the interval less its jitter.
  const idlePhase = phases.at(-1)!;
  expect(idle.cycles).toBeGreaterThan(0);
  expect(idle.reads).toBeLessThanOrEqual(idle.cycles);
  expect(idle.reads + idle.writes).toBeGreaterThanOrEqual(idle.cycles);
  expect(idle.cycles).toBeLessThanOrEqual(
    8 * (Math.floor((idlePhase.seconds * 1000) / (0.9 * options.intervalMs)) + 1),
  );
  // A heartbeat each, where it falls into these seconds.
  expect(idle.writes).toBeLessThanOrEqual(8);
}, 60_000);

const ENTRIES = [
  { id: "a", command: "one" },
  { id: "b", command: "two" },
];
const EDITS = [{ id: "b", field: "note" as const, value: "seen" }];
const GOOD: Row[] = [
  ["b", "two", "seen", null],
  ["a", "one", null, null],
];

test("the same rows in another order are no difference", () => {
  const expected = expectedRows(ENTRIES, EDITS);
  expect(digestRows(GOOD)).toBe(digestRows(expected.values()));
  expect(compareRows(expected, GOOD)).toEqual({ lost: [], doubled: [], altered: [] });
});

test.each([
  { fault: "an entry is missing", rows: [GOOD[0]!], found: { lost: ["a"], doubled: [], altered: [] } },
  {
    fault: "an id is there twice",
    rows: [...GOOD, GOOD[1]!],
    found: { lost: [], doubled: ["a"], altered: [] },
  },
  {
    fault: "a text is there under a second id",
    rows: [...GOOD, ["c", "one", null, null] satisfies Row],
    found: { lost: [], doubled: ["c"], altered: [] },
  },
  {
    fault: "an edit is missing",
    rows: [["b", "two", null, null] satisfies Row, GOOD[1]!],
    found: { lost: [], doubled: [], altered: ["b"] },
  },
])("noticed: $fault", ({ rows, found }) => {
  const expected = expectedRows(ENTRIES, EDITS);
  expect(digestRows(rows)).not.toBe(digestRows(expected.values()));
  expect(compareRows(expected, rows)).toEqual(found);
});

test("percentiles of counted times are right to the width of a bucket", () => {
  const times = createHistogram();
  for (let ms = 1; ms <= 1000; ms++) times.add(ms);
  const merged = createHistogram();
  merged.merge(times.buckets());
  merged.merge(times.buckets());
  expect([50, 95, 100].map((percent) => merged.percentile(percent))).toEqual([500, 950, 1000]);
  expect(createHistogram().percentile(50)).toBeNull();
});

test("the rate of work follows the interval unless it is given", () => {
  expect(parseScaleArguments([])).toMatchObject({ machines: 300, intervalMs: 30_000, recordEveryMs: 60_000 });
  expect(parseScaleArguments(["--interval-ms", "500"]).recordEveryMs).toBe(1000);
  expect(() => parseScaleArguments(["--machines", "1"])).toThrow("expected a whole number from 2, got '1'");
});
