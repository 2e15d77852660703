import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { startDaemon } from "../support/daemon.ts";
import { pointsOf } from "../support/kill-points.ts";
import { startMortal } from "../support/mortal.ts";
import { type Sqld, startSqld } from "../support/sqld.ts";
import { type TempDir, tempDir } from "../support/temp.ts";
import { commands, copyHome, folder, machineId, member, record, sync, teamEnv } from "../sync/team.ts";

let sqld: Sqld;
/** A machine that has synchronised, and its copy from before its last push, which nobody has started yet. */
let machine: { readonly id: string; readonly copy: TempDir };
beforeAll(async () => {
  sqld = await startSqld();
  const [original, copy] = [await startDaemon({ env: teamEnv(sqld.url) }), tempDir("hd")];
  await record(original, "before");
  await sync(original);
  machine = { id: await machineId(original), copy };
  await original.stop();
  copyHome(original.home, copy.path);
  const again = await startDaemon({ home: original.home, env: teamEnv(sqld.url) });
  await record(again, "since");
  await sync(again);
  await again.close();
  await original.close();
});
afterAll(async () => {
  machine.copy.remove();
  await sqld.close();
});

test.each(pointsOf("identity"))(
  "a copy that is killed while it takes a name of its own: %s",
  async (point) => {
    const copy = folder();
    copyHome(machine.copy.path, copy);
    const doomed = await startMortal({ home: copy, env: teamEnv(sqld.url) });
    onTestFinished(doomed.close);
    await record(doomed, `of the copy: ${point}`);
    doomed.arm({ work: "identity", point });
    const asked = doomed.request("POST", "/v1/sync").catch(() => null);
    await doomed.died();
    await asked;

    const clone = await member(sqld.url, { home: copy });
    await sync(clone);
    const own = await machineId(clone);
    expect(own).not.toBe(machine.id);
    expect(readFileSync(join(copy, "machine-id"), "utf8")).toBe(`${own}\n`);
    // One name was given up, and nothing half-done lies about.
    const names = readdirSync(copy).filter((name) => name.startsWith("machine-id"));
    expect(names.toSorted()).toEqual(["machine-id", `machine-id.${machine.id}`]);
    // What it had not sent is its own: a third name would not know it.
    const { body } = await clone.request("GET", "/v1/history?mode=machine");
    expect(body.entries.map(({ command }: { command: string }) => command)).toEqual([
      `of the copy: ${point}`,
    ]);
    expect(await commands(clone)).toContain("since");
  },
);
