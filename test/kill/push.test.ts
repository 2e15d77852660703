import { afterAll, beforeAll, expect, test } from "vitest";
import { checkCache } from "../support/cache-check.ts";
import { pointsOf } from "../support/kill-points.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import { createLedger } from "./ledger.ts";
import { createMachine, type Machine } from "./machine.ts";

let fleet: Fleet;
let machine: Machine;
beforeAll(async () => {
  fleet = await startFleet();
  machine = createMachine(fleet.env);
});
afterAll(async () => {
  await machine.close();
  await fleet.close();
});

/** More than one request carries. */
const COUNT = 150;

const cases = pointsOf("push").flatMap((point) => [1, 2].map((nth) => [point, nth] as const));

test.each(cases)("killed while it pushes: %s, request %i", async (point, nth) => {
  const prefix = `${point} ${nth}:`;
  const ledger = createLedger();
  const daemon = await machine.up();
  expect(await ledger.write(daemon, `${prefix} edited`)).toBe(true);
  const [edited] = ledger.ids();
  await fleet.sync(daemon);
  await daemon.request("PATCH", `/v1/history/${edited}`, { tags: ["edited"] });
  const commands = Array.from({ length: COUNT }, (_, i) => `${prefix} ${i}`);
  expect(await ledger.writeBatch(daemon, commands)).toBe(true);
  daemon.arm({ work: "push", point, nth });
  await expect(daemon.request("POST", "/v1/sync")).rejects.toThrow();
  await daemon.died();

  const again = await machine.up();
  await ledger.expectKept(again);
  // Written before it knows what became of the push.
  await ledger.write(again, `${prefix} afterwards`);
  await fleet.sync(again);
  await fleet.expectEverywhere(prefix, { commands: ledger.commands(), ids: ledger.ids() });
  for (const one of [again, fleet.other]) {
    const { body } = await one.request("GET", `/v1/history/${edited}`);
    expect(body).toMatchObject({ tags: ["edited"], sync: "synced" });
  }
  expect(checkCache(machine.home).outbox).toEqual([]);
});
