import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { uuidv7 } from "uuidv7";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkCache } from "../support/cache-check.ts";
import { createClockFile } from "../support/clock-file.ts";
import { pointsOf } from "../support/kill-points.ts";
import { waitFor } from "../support/processes.ts";
import { commandsOf, countFound } from "./entries.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import { createMachine, type Machine } from "./machine.ts";

/** A file that nobody touched for this long is retired, and then removed. */
const QUIET_MS = 60_000;

let fleet: Fleet;
let machine: Machine;
beforeAll(async () => {
  fleet = await startFleet();
  // By this machine's clock every file is old enough to be put away at once.
  machine = createMachine((home) => ({ ...fleet.env, ...createClockFile(home, 2 * QUIET_MS).env }));
});
afterAll(async () => {
  await machine.close();
  await fleet.close();
});

test.each(pointsOf("spool"))("killed while it takes in the spool: %s", async (point) => {
  const prefix = `${point}:`;
  const daemon = await machine.up();
  const spool = join(machine.home, "spool");
  const sent: string[] = [];
  const line = (command: string, id?: string): string => {
    sent.push(command);
    return `${JSON.stringify({ v: 1, entry: { command, ...(id === undefined ? {} : { id }) } })}\n`;
  };
  sent.push(`${prefix} written`);
  await daemon.request("POST", "/v1/history", { command: sent[0] });
  expect(await countFound(daemon, sent[0]!)).toBe(1);

  daemon.arm({ work: "spool", point });
  const withIds = Array.from({ length: 5 }, (_, i) => line(`${prefix} by id ${i}`, uuidv7()));
  const without = Array.from({ length: 5 }, (_, i) => line(`${prefix} by place ${i}`));
  const refused = `{"v":1,"entry":{"command":7}} ${prefix}\n`;
  // Put there in one step: by this clock a file is put away as soon as it is seen, also one that is being written.
  writeFileSync(join(spool, "a.unfinished"), [...withIds, ...without, refused].join(""));
  renameSync(join(spool, "a.unfinished"), join(spool, "a.jsonl"));
  await daemon.died();
  // Clients go on while nobody is there to take it.
  writeFileSync(join(spool, "b.jsonl"), line(`${prefix} meanwhile`));

  const again = await machine.up();
  await waitFor(() => readdirSync(spool).every((name) => !name.includes(".jsonl")), {
    what: "an empty spool",
  });
  expect(await commandsOf(again, prefix)).toEqual(sent.toSorted());
  const rejected = readdirSync(join(spool, "rejected"))
    .map((name) => readFileSync(join(spool, "rejected", name), "utf8"))
    .filter((text) => text.includes(prefix));
  expect(rejected).toEqual([refused]);
  await fleet.sync(again);
  await fleet.expectEverywhere(prefix, { commands: sent });
  expect(checkCache(machine.home).outbox).toEqual([]);
});
