import { cpSync } from "node:fs";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { type Sqld, startSqld } from "../support/sqld.ts";
import type { TestDaemon } from "../support/daemon.ts";
import {
  commands,
  edit,
  entry,
  folder,
  member,
  onRemote,
  record,
  recordMany,
  remoteCommands,
  sync,
  syncStatus,
  warnings,
} from "./team.ts";

let sqld: Sqld;
let a: TestDaemon;
let b: TestDaemon;
beforeEach(async () => {
  sqld = await startSqld();
  onTestFinished(sqld.close);
  [a, b] = await Promise.all([member(sqld.url), member(sqld.url)]);
});

/** The server's data as it is now, in a folder of its own. */
async function backUp(): Promise<string> {
  const copy = folder();
  await sqld.stop();
  cpSync(sqld.dir, copy, { recursive: true });
  await sqld.restart();
  return copy;
}

async function expectAgreed(expected: string[]): Promise<void> {
  for (const machine of [a, b, a, b]) await sync(machine);
  expect(await remoteCommands(sqld.url)).toEqual(expected.toSorted());
  for (const machine of [a, b]) {
    expect(await commands(machine)).toEqual(expected.toSorted());
    expect(await syncStatus(machine)).toMatchObject({ state: "synced", set_aside: 0, parked: 0 });
  }
}

const named = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix} ${i}`);
const RESTORED = /^the remote was restored from an older copy/;

test("a server restored from an older copy: what it lost is sent again, one line a machine", async () => {
  await recordMany(a, "old", 10);
  await sync(a);
  await sync(b);
  const backup = await backUp();
  await recordMany(a, "lost by a", 5);
  const edited = await record(b, "lost by b");
  for (const machine of [a, b, a]) await sync(machine);
  await edit(a, edited, "lost as well");
  await sync(a);

  await sqld.restart({ dir: backup });
  expect(await remoteCommands(sqld.url)).toEqual(named("old", 10).toSorted());
  await expectAgreed([...named("old", 10), ...named("lost by a", 5), "lost by b"]);
  for (const machine of [a, b]) {
    expect(await entry(machine, edited)).toMatchObject({ note: "lost as well", sync: "synced" });
    expect(warnings(machine)).toEqual([expect.stringMatching(RESTORED)]);
  }
});

test("a server restored, and written past a machine's cursor before that machine is back", async () => {
  await recordMany(a, "old", 10);
  await sync(a);
  await sync(b);
  const backup = await backUp();
  await recordMany(a, "lost", 5);
  await sync(a);
  await sync(b);
  const cursor = (await syncStatus(b)).cursor as number;

  await sqld.restart({ dir: backup });
  // By a alone, whose revisions pass those that b has of the other history.
  await recordMany(a, "since", 40);
  await sync(a);
  expect((await syncStatus(a)).cursor).toBeGreaterThan(cursor);
  await record(b, "of b, meanwhile");
  await expectAgreed([...named("old", 10), ...named("lost", 5), ...named("since", 40), "of b, meanwhile"]);
  for (const machine of [a, b]) expect(warnings(machine)).toEqual([expect.stringMatching(RESTORED)]);
});

test("an empty server in the place of the old one is filled by everybody with what they have", async () => {
  await recordMany(a, "of a", 10);
  await recordMany(b, "of b", 10);
  for (const machine of [a, b, a]) await sync(machine);
  await record(b, "not sent yet");
  await sqld.restart({ dir: folder() });
  // Without its tables it is no remote yet: the first to come finds that out, and makes them at its next try.
  await a.request("POST", "/v1/sync");
  await expectAgreed([...named("of a", 10), ...named("of b", 10), "not sent yet"]);
  for (const machine of [a, b]) {
    expect(warnings(machine).filter((line) => !line.startsWith("sync stopped"))).toEqual([
      expect.stringMatching(/^the remote is another database than before/),
    ]);
  }
});

test("a row that is edited with SQL reaches everybody as an edit; deleting with SQL is refused", async () => {
  const id = await record(a, "kubectl get pods");
  const other = await record(a, "stays as it is");
  await sync(a);
  await sync(b);
  await onRemote(
    sqld.url,
    `UPDATE records SET body = json_set(body, '$.note', 'by hand') WHERE id = '${id}'`,
  );
  await expect(onRemote(sqld.url, "DELETE FROM records")).rejects.toThrow(/never by DELETE/);
  for (const machine of [a, b]) {
    await sync(machine);
    expect(await entry(machine, id)).toMatchObject({
      command: "kubectl get pods",
      note: "by hand",
      last_editor: "remote",
      sync: "synced",
    });
    const { body } = await machine.request("GET", `/v1/audit?record=${id}`);
    expect(body.events).toMatchObject([
      { action: "edit", machine_id: "remote", details: { fields: ["note"] } },
    ]);
    expect((await entry(machine, other)).note).toBeNull();
  }
});
