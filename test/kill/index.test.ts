import { afterAll, beforeAll, expect, test } from "vitest";
import { checkCache, countUnindexed } from "../support/cache-check.ts";
import { pointsOf } from "../support/kill-points.ts";
import { waitFor } from "../support/processes.ts";
import { commandsOf, countFound } from "./entries.ts";
import { createLedger } from "./ledger.ts";
import { createMachine, type Machine } from "./machine.ts";

let machine: Machine;
beforeAll(() => {
  machine = createMachine({});
});
afterAll(() => machine.close());

/** More than one lot. */
const COUNT = 700;

const cases = pointsOf("index").flatMap((point) => [1, 2].map((nth) => [point, nth] as const));

test.each(cases)("killed while it indexes: %s, lot %i", async (point, nth) => {
  const prefix = `${point} ${nth}:`;
  const daemon = await machine.up();
  await waitFor(() => countUnindexed(machine.home) === 0, { what: "the lots of an earlier test" });
  daemon.arm({ work: "index", point, nth });
  const commands = Array.from({ length: COUNT }, (_, i) => `${prefix} ${i}.`);
  // It may die so soon that the answer is lost on the way.
  const ledger = createLedger();
  await ledger.writeBatch(daemon, commands);
  await daemon.died();

  const again = await machine.up();
  await ledger.expectKept(again);
  for (const at of [0, COUNT >> 1, COUNT - 1]) expect(await countFound(again, commands[at]!)).toBe(1);
  expect(await commandsOf(again, prefix)).toEqual(commands.toSorted());
  expect(checkCache(machine.home).commands.slice(-COUNT)).toEqual(commands);
});
