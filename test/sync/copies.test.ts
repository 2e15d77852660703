import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import type { TestDaemon } from "../support/daemon.ts";
import { type Sqld, startSqld } from "../support/sqld.ts";
import {
  commands,
  copyHome,
  entry,
  folder,
  machineId,
  member,
  record,
  recordMany,
  remoteCommands,
  sync,
  syncStatus,
  warnings,
} from "./team.ts";

let sqld: Sqld;
beforeEach(async () => {
  sqld = await startSqld();
  onTestFinished(sqld.close);
});

const idFile = (home: string): string => readFileSync(join(home, "machine-id"), "utf8").trim();
const CLONE = /^this is a copy of a machine that is still in use/;

/** A machine that has synchronised, has something to send, and stopped; and its copy in another folder. */
async function stoppedWithCopy(): Promise<{ home: string; copy: string; id: string }> {
  const [home, copy] = [folder(), folder()];
  const before = await member(sqld.url, { home });
  await recordMany(before, "sent", 20);
  await sync(before);
  await record(before, "not sent when it was copied");
  const id = await machineId(before);
  await before.stop();
  copyHome(home, copy);
  return { home, copy, id };
}

/** Both machines have it all, and so has the remote; nothing is doubled. */
async function expectAgreed(machines: TestDaemon[], expected: string[]): Promise<void> {
  // The first one learns in the second round what the last one sent in the first.
  for (let round = 0; round < 2; round++) for (const machine of machines) await sync(machine);
  expect(await remoteCommands(sqld.url)).toEqual(expected.toSorted());
  for (const machine of machines) {
    expect(await commands(machine)).toEqual(expected.toSorted());
    expect(await syncStatus(machine)).toMatchObject({ state: "synced", set_aside: 0, parked: 0 });
  }
}

const SENT = Array.from({ length: 20 }, (_, i) => `sent ${i}`);

test("a home that was copied elsewhere: both go on, and the copy says that it has a name of its own", async () => {
  const { home, copy, id } = await stoppedWithCopy();
  const original = await member(sqld.url, { home });
  await record(original, "of the original");
  await sync(original);
  const clone = await member(sqld.url, { home: copy });
  await record(clone, "of the copy");
  expect(await machineId(clone)).toBe(id);
  await sync(clone);

  const own = await machineId(clone);
  expect(own).not.toBe(id);
  expect(await machineId(original)).toBe(id);
  expect(idFile(copy)).toBe(own);
  expect(idFile(home)).toBe(id);
  expect(readFileSync(join(copy, `machine-id.${id}`), "utf8").trim()).toBe(id);
  expect(warnings(clone)).toEqual([expect.stringMatching(CLONE)]);
  const later = await record(clone, "of the copy, later");
  expect((await entry(clone, later)).machine_id).toBe(own);
  await expectAgreed(
    [clone, original],
    [...SENT, "not sent when it was copied", "of the original", "of the copy", "of the copy, later"],
  );
  expect(warnings(original)).toEqual([]);
});

test("a home that was restored in place from last week's copy is itself again, with what it had sent since", async () => {
  const { home, copy, id } = await stoppedWithCopy();
  const before = await member(sqld.url, { home });
  await recordMany(before, "since", 20);
  await sync(before);
  await before.stop();
  rmSync(home, { recursive: true });
  renameSync(copy, home);

  const restored = await member(sqld.url, { home });
  await record(restored, "after the restore");
  await sync(restored);
  expect(await machineId(restored)).toBe(id);
  expect(existsSync(join(home, `machine-id.${id}`))).toBe(false);
  expect(warnings(restored)).toHaveLength(1);
  const since = Array.from({ length: 20 }, (_, i) => `since ${i}`);
  await expectAgreed([restored], [...SENT, ...since, "not sent when it was copied", "after the restore"]);
  // Said once, and not at each cycle that follows.
  expect(warnings(restored)).toHaveLength(1);
});
