import { afterAll, beforeAll, expect, test } from "vitest";
import { checkCache } from "../support/cache-check.ts";
import { pointsOf } from "../support/kill-points.ts";
import { commandsOf } from "./entries.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import { createLedger } from "./ledger.ts";
import { createMachine, type Machine } from "./machine.ts";

let fleet: Fleet;
let machine: Machine;
beforeAll(async () => {
  fleet = await startFleet();
  machine = createMachine(fleet.env);
  // Its first sync is over: from now on pages come in the order of revisions.
  await fleet.sync(await machine.up());
});
afterAll(async () => {
  await machine.close();
  await fleet.close();
});

/** More than one page. */
const COUNT = 800;

const cases = pointsOf("pull").flatMap((point) => [1, 2].map((nth) => [point, nth] as const));

test.each(cases)("killed while it pulls: %s, page %i", async (point, nth) => {
  const prefix = `${point} ${nth}:`;
  const theirs = createLedger();
  const commands = Array.from({ length: COUNT }, (_, i) => `${prefix} theirs ${i}`);
  await theirs.writeBatch(fleet.other, commands);
  await fleet.sync(fleet.other);
  const daemon = await machine.up();
  daemon.arm({ work: "pull", point, nth });
  await expect(daemon.request("POST", "/v1/sync")).rejects.toThrow();
  await daemon.died();

  const again = await machine.up();
  // Pages came whole, and the cursor says which.
  const { cursor } = (await again.request("GET", "/v1/sync")).body as { cursor: number };
  expect(await commandsOf(again)).toHaveLength(await fleet.countUpTo(cursor));
  const came = (await commandsOf(again, prefix)).length;
  expect(came > 0).toBe(nth > 1 || point.startsWith("after"));
  const mine = createLedger();
  await mine.write(again, `${prefix} mine`);
  await fleet.sync(again);
  await theirs.expectKept(again);
  const ledgers = [theirs, mine];
  const expected = {
    commands: ledgers.flatMap((ledger) => ledger.commands()),
    ids: ledgers.flatMap((ledger) => ledger.ids()),
  };
  expect(await commandsOf(again, prefix)).toEqual(expected.commands.toSorted());
  await fleet.expectEverywhere(prefix, expected);
  expect(checkCache(machine.home).outbox).toEqual([]);
});
