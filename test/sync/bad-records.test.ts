import { beforeEach, expect, onTestFinished, test } from "vitest";
import { historyctl } from "../client-lib/cli/historyctl.ts";
import { type Sqld, startSqld } from "../support/sqld.ts";
import { commands, member, onRemote, record, sync, syncStatus } from "./team.ts";

let sqld: Sqld;
beforeEach(async () => {
  sqld = await startSqld();
  onTestFinished(sqld.close);
});

const COLUMNS = "id, kind, hlc, scope, machine_id, timestamp, last_editor, schema, codec, body";
const REST = "'0000000000ff-0000-abcdefabcdef', 'global', 'elsewhere', 1, 'elsewhere'";

test("records that cannot be read are counted where people look, and block nothing", async () => {
  const [a, b] = await Promise.all([member(sqld.url), member(sqld.url)]);
  await record(a, "before them");
  await sync(a);
  const bad = [
    `'a-newer-schema', 'history', ${REST}, 99, 'json', '{}'`,
    `'an-unreadable-body', 'history', ${REST}, 1, 'json', '{not json'`,
    `'an-unknown-kind', 'hologram', ${REST}, 1, 'json', '{}'`,
    `'a-body-that-is-no-gzip', 'history', ${REST}, 1, 'gzip', x'00ff'`,
    `x'00ff', 'history', ${REST}, 1, 'json', '{}'`,
    `'a-machine-of-bytes', 'history', '0000000000ff-0000-abcdefabcdef', 'global', x'01', 1, x'01', 1, 'json', '{}'`,
  ];
  for (const values of bad) await onRemote(sqld.url, `INSERT INTO records (${COLUMNS}) VALUES (${values})`);
  await record(a, "after them");
  await sync(a);
  await sync(b);
  await record(b, "back");
  await sync(b);
  await sync(a);
  for (const machine of [a, b]) {
    expect(await commands(machine)).toEqual(["after them", "back", "before them"]);
    expect(await syncStatus(machine)).toMatchObject({
      state: "synced",
      set_aside: bad.length,
      last_error: null,
    });
    const { out } = await historyctl(["sync", "--status"], { env: machine.env });
    expect(out).toContain(`${bad.length} received but not understood`);
  }
});
