import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { TestDaemon } from "../support/daemon.ts";
import { startSqld } from "../support/sqld.ts";
import { edit, found, member, onRemote, record, sync } from "./team.ts";

const WORD = "sesame4711";

/** Whether the word is in a file of the cache, whoever looks. */
function isOnDisk({ home }: TestDaemon): boolean {
  return ["cache.db", "cache.db-wal", "cache.db-shm"]
    .map((name) => join(home, name))
    .some((file) => existsSync(file) && readFileSync(file).includes(WORD));
}

test("what is purged on one machine is erased on the other, in files and search, and on the remote", async () => {
  const sqld = await startSqld();
  onTestFinished(sqld.close);
  const [a, b] = await Promise.all([member(sqld.url), member(sqld.url)]);
  const id = await record(a, `mysql --password ${WORD}`);
  await edit(a, id, `${WORD} is the password`);
  await record(a, "stays");
  await sync(a);
  await sync(b);
  // A value that lost lies in a conflict.
  await edit(a, id, `${WORD} on one machine`);
  await edit(b, id, `${WORD} on the other`);
  for (const machine of [a, b, a]) await sync(machine);
  for (const machine of [a, b]) {
    expect(await found(machine, WORD)).toBe(1);
    expect(isOnDisk(machine)).toBe(true);
  }

  expect((await a.request("POST", `/v1/history/${id}/purge`)).status).toBe(200);
  expect(isOnDisk(a)).toBe(false);
  await sync(a);
  await sync(b);
  // The conflict of a machine that was offline is purged by whoever sees it.
  await sync(a);
  for (const machine of [a, b]) {
    expect(await found(machine, WORD)).toBe(0);
    expect(isOnDisk(machine)).toBe(false);
    expect(await machine.request("GET", `/v1/history/${id}`)).toMatchObject({ status: 404 });
    expect(await machine.request("POST", "/v1/history", { id, command: WORD })).toMatchObject({
      status: 409,
      body: { code: "HD_GONE" },
    });
    expect(await found(machine, "stays")).toBe(1);
    const { body } = await machine.request("GET", `/v1/audit?record=${id}&action=purge`);
    expect(body.events).toHaveLength(1);
  }
  const [left] = await onRemote(
    sqld.url,
    `SELECT count(*) AS count FROM records WHERE codec = 'json' AND instr(body, '${WORD}') > 0`,
  );
  expect(left).toEqual({ count: 0 });
});
