import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { describe, expect, it } from "vitest";
import { checkCache } from "../support/cache-check.ts";
import { expectAllKept, expectRefused, type History, makeHistory, start } from "./history.ts";

// A daemon that was killed leaves its newest entries in the write-ahead log, the first ones of its life all of them.

const commandsOf = ({ acknowledged }: History): string[] => [...acknowledged.values()];

describe("damage that costs nothing", () => {
  it.each<[string, (history: History) => void]>([
    ["rubbish after its end", ({ log }) => appendFileSync(log, Buffer.alloc(9_000, 0x5a))],
    ["zeros after its end", ({ log }) => appendFileSync(log, Buffer.alloc(9_000))],
    [
      "a frame cut off after its end",
      ({ log }) => appendFileSync(log, readFileSync(log).subarray(32, 3_000)),
    ],
    ["its index is rubbish", ({ cache }) => writeFileSync(`${cache}-shm`, Buffer.alloc(32_768, 0x5a))],
    ["its index is gone", ({ cache }) => rmSync(`${cache}-shm`)],
  ])("%s: everything is there", async (_, damage) => {
    const history = await makeHistory({ end: "kill" });
    damage(history);
    await expectAllKept(history.home, history);
    expect(checkCache(history.home).commands).toEqual([...commandsOf(history), "afterwards"]);
  });
});

it.each([0.5, 0.7, 0.95])(
  "cut off after %d of it: what is before the cut is there, in order and whole, and it goes on from there",
  async (share) => {
    const history = await makeHistory({ end: "kill" });
    truncateSync(history.log, Math.floor(statSync(history.log).size * share));
    const daemon = await start(history.home);
    const { commands, outbox } = checkCache(history.home);
    expect(commands.length).toBeGreaterThan(0);
    expect(commands).toEqual(commandsOf(history).slice(0, commands.length));
    expect(outbox).toHaveLength(commands.length);
    // A client that was never answered, or has its own copy, sends again: by id nothing is doubled.
    const entries = [...history.acknowledged].map(([id, command]) => ({ id, command }));
    expect((await daemon.request("POST", "/v1/history/batch", { entries })).status).toBe(201);
    expect(checkCache(history.home).commands).toEqual(commandsOf(history));
  },
);

describe("damage for which SQLite would throw the log away is refused, and nothing is touched", () => {
  it.each<[string, RegExp, (history: History) => void, (history: History) => void]>([
    [
      "its header is overwritten",
      /the header of .*cache\.db-wal is damaged: .*would be lost.*move both files away/,
      ({ log }) => overwriteHeader(log, Buffer.alloc(32, 0x5a)),
      () => undefined,
    ],
    [
      "one bit of its header is another",
      /the header of .*cache\.db-wal is damaged/,
      ({ log }) => {
        const header = readFileSync(log).subarray(0, 32);
        header[17]! ^= 1;
        overwriteHeader(log, header);
      },
      () => undefined,
    ],
    [
      "its database is empty",
      /cache\.db is missing or empty, and its log .* holds \d+ bytes/,
      ({ cache }) => truncateSync(cache, 0),
      () => undefined,
    ],
    [
      "its database is missing",
      /cache\.db is missing or empty, and its log .* holds \d+ bytes/,
      ({ cache }) => rmSync(cache),
      () => undefined,
    ],
    [
      "it is a folder",
      /cache\.db cannot be opened: unable to open database file/,
      ({ log }) => {
        rmSync(log);
        mkdirSync(log);
      },
      ({ log }) => rmSync(log, { recursive: true }),
    ],
  ])("%s", async (_, line, damage, clear) => {
    const history = await makeHistory({ end: "kill", count: 20 });
    const files = [history.cache, history.log];
    const whole = files.map((file) => readFileSync(file));
    damage(history);
    await expectRefused(history.home, line, files);
    clear(history);
    for (const [index, file] of files.entries()) writeFileSync(file, whole[index]!, { mode: 0o600 });
    await expectAllKept(history.home, history);
  });

  it("moved away, as the line says, they make room for a new cache", async () => {
    const history = await makeHistory({ end: "kill", count: 20 });
    overwriteHeader(history.log, Buffer.alloc(32, 0x5a));
    for (const file of [history.cache, history.log]) renameSync(file, `${file}.moved`);
    await expectAllKept(history.home, { acknowledged: new Map() });
  });
});

it("a log that was only made longer before the crash holds nothing, and is no reason to refuse", async () => {
  const history = await makeHistory({ end: "stop", count: 20 });
  writeFileSync(history.log, Buffer.alloc(20_000), { mode: 0o600 });
  await expectAllKept(history.home, history);
});

function overwriteHeader(log: string, header: Buffer): void {
  const fd = openSync(log, "r+");
  writeSync(fd, header, 0, header.length, 0);
  closeSync(fd);
}
