import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, type TestContext, test } from "vitest";
import { checkCache } from "../support/cache-check.ts";
import { startDaemon, type TestDaemon } from "../support/daemon.ts";
import { pointsOf } from "../support/kill-points.ts";
import { dieAtStart } from "../support/mortal.ts";
import { makeOldCache } from "../support/old-cache.ts";
import { tempDir } from "../support/temp.ts";
import { commandsOf, countFound } from "./entries.ts";

type Finally = Pick<TestContext, "onTestFinished">;

function newHome({ onTestFinished }: Finally): string {
  const temp = tempDir("hd");
  onTestFinished(temp.remove);
  return temp.path;
}

async function start(home: string, { onTestFinished }: Finally): Promise<TestDaemon> {
  const daemon = await startDaemon({ home });
  onTestFinished(daemon.close);
  return daemon;
}

const machineOf = async (daemon: TestDaemon): Promise<string> =>
  (await daemon.request("GET", "/v1/status")).body.machine.id as string;

describe.concurrent("killed while it brings an older cache up to date", () => {
  const commands = Array.from({ length: 300 }, (_, index) => `old ${index} ${"x".repeat(500)}`);

  test.for(pointsOf("migrate"))("%s", async (point, context) => {
    const { expect, onTestFinished } = context;
    const home = newHome(context);
    writeFileSync(join(home, "machine-id"), "earlier-machine\n", { mode: 0o600 });
    makeOldCache(home, 1, commands);
    await dieAtStart({ work: "migrate", point }, home);

    const daemon = await start(home, context);
    expect(await commandsOf(daemon)).toEqual(commands.toSorted());
    expect(await machineOf(daemon)).toBe("earlier-machine");
    expect(await countFound(daemon, "old 299")).toBe(1);
    expect(await daemon.request("POST", "/v1/history", { command: "new" })).toMatchObject({ status: 201 });
    expect(checkCache(home).commands).toEqual([...commands, "new"]);
    expect(checkCache(home).outbox).toHaveLength(commands.length + 1);
    expect(readdirSync(join(home, "backups"))).toEqual(["cache-v1.db"]);
    const backup = new Database(join(home, "backups", "cache-v1.db"), { readonly: true });
    onTestFinished(() => void backup.close());
    expect(backup.pragma("integrity_check", { simple: true })).toBe("ok");
    expect(backup.pragma("user_version", { simple: true })).toBe(1);
    expect(backup.prepare("SELECT command FROM history ORDER BY seq").pluck().all()).toEqual(commands);
  });
});

describe.concurrent("killed on its first start", () => {
  test.for(pointsOf("create"))("%s", async (point, context) => {
    const { expect } = context;
    const home = newHome(context);
    await dieAtStart({ work: "create", point }, home);
    const file = join(home, "machine-id");
    const known = existsSync(file) ? readFileSync(file, "utf8") : null;

    const daemon = await start(home, context);
    const machine = await machineOf(daemon);
    expect(machine).toMatch(/^[\da-f-]{36}$/);
    // Whoever had read the name may go on using it.
    expect(readFileSync(file, "utf8")).toBe(known ?? `${machine}\n`);
    expect(readFileSync(file, "utf8")).toBe(`${machine}\n`);
    expect(readdirSync(home).filter((name) => name.endsWith(".new"))).toEqual([]);
    expect(await daemon.request("POST", "/v1/history", { command: "kept" })).toMatchObject({
      status: 201,
      body: { machine_id: machine },
    });
    expect(checkCache(home).commands).toEqual(["kept"]);
  });
});
