import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { checkCache } from "../support/cache-check.ts";
import { pointsOf } from "../support/kill-points.ts";
import { commandsOf, countFound } from "./entries.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import { createLedger, type Ledger } from "./ledger.ts";
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

let ledger: Ledger;
beforeEach(() => {
  ledger = createLedger();
});

/** After a death: what was sent under the prefix is, in the end, here and everywhere exactly once. */
async function expectExactlyOnce(prefix: string): Promise<void> {
  const daemon = await machine.up();
  await ledger.expectKept(daemon);
  const sent = new Set(ledger.commands());
  expect((await commandsOf(daemon, prefix)).filter((command) => !sent.has(command))).toEqual([]);
  await ledger.settle(daemon);
  expect(await commandsOf(daemon, prefix)).toEqual(ledger.commands().toSorted());
  expect(await countFound(daemon, ledger.commands().at(-1)!)).toBe(1);
  await fleet.sync(daemon);
  await fleet.expectEverywhere(prefix, { commands: ledger.commands(), ids: ledger.ids() });
  expect(checkCache(machine.home).outbox).toEqual([]);
}

describe("killed while it writes an entry", () => {
  test.each(pointsOf("write"))("%s", async (point) => {
    const prefix = `entry, ${point}:`;
    const daemon = await machine.up();
    for (let i = 0; i < 3; i++) expect(await ledger.write(daemon, `${prefix} kept ${i}`)).toBe(true);
    // A search has everything indexed first: the next transaction is the entry's.
    expect(await countFound(daemon, `${prefix} kept`)).toBe(3);
    daemon.arm({ work: "write", point });
    expect(await ledger.write(daemon, `${prefix} in doubt`)).toBe(false);
    await daemon.died();
    await expectExactlyOnce(prefix);
  });
});

describe("killed while it writes an edit", () => {
  test.each(pointsOf("edit"))("%s", async (point) => {
    const command = `edit, ${point}`;
    const daemon = await machine.up();
    await ledger.write(daemon, command);
    const [id] = ledger.ids();
    const edit = (note: string) =>
      daemon.request("PATCH", `/v1/history/${id}`, { note: `${note}, ${point}` });
    expect(await edit("first")).toMatchObject({ status: 200 });
    expect(await countFound(daemon, `first, ${point}`)).toBe(1);
    daemon.arm({ work: "edit", point });
    await expect(edit("second")).rejects.toThrow();
    await daemon.died();

    const again = await machine.up();
    const { body } = await again.request("GET", `/v1/history/${id}`);
    const [kept, lost] = point.startsWith("after") ? ["second", "first"] : ["first", "second"];
    expect(body).toMatchObject({ command, note: `${kept}, ${point}` });
    expect(await countFound(again, `${kept}, ${point}`)).toBe(1);
    expect(await countFound(again, `${lost}, ${point}`)).toBe(0);
    await fleet.sync(again);
    await fleet.expectEverywhere(command, { commands: [command], ids: [id!] });
    expect((await fleet.other.request("GET", `/v1/history/${id}`)).body.note).toBe(body.note);
    expect(checkCache(machine.home).outbox).toEqual([]);
  });
});

describe("killed while it writes a batch", () => {
  test.each(pointsOf("batch"))("%s", async (point) => {
    const prefix = `batch, ${point}:`;
    const commands = (name: string) => Array.from({ length: 20 }, (_, i) => `${prefix} ${name} ${i}`);
    const daemon = await machine.up();
    expect(await ledger.writeBatch(daemon, commands("kept"))).toBe(true);
    daemon.arm({ work: "batch", point });
    expect(await ledger.writeBatch(daemon, commands("in doubt"))).toBe(false);
    await daemon.died();
    await expectExactlyOnce(prefix);
  });
});

describe("killed while several writers share a transaction", () => {
  test.each(pointsOf("group"))("%s", async (point) => {
    const prefix = `group, ${point}:`;
    const daemon = await machine.up();
    await ledger.write(daemon, `${prefix} kept`);
    daemon.arm({ work: "group", point });
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let i = 0; await ledger.write(daemon, `${prefix} writer ${writer} ${i}`); i++);
    });
    await daemon.died();
    await Promise.all(writers);
    await expectExactlyOnce(prefix);
  });
});
