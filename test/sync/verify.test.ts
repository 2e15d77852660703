import { expect, onTestFinished, test } from "vitest";
import { historyctl } from "../client-lib/cli/historyctl.ts";
import { startSqld } from "../support/sqld.ts";
import { commands, entry, folder, inCache, member, record, recordMany, sync } from "./team.ts";

test("verify exits with 0 where both sides hold the same and 1 where not, and changes nothing; reconcile mends", async () => {
  const sqld = await startSqld();
  onTestFinished(sqld.close);
  const home = folder();
  const a = await member(sqld.url, { home });
  const gone = await record(a, "deleted behind its back");
  const damaged = await record(a, "damaged behind its back");
  await recordMany(a, "fine", 20);
  await sync(a);
  const verify = () => historyctl(["sync", "verify"], { env: a.env });
  expect(await verify()).toMatchObject({
    code: 0,
    err: "",
    out: expect.stringContaining("hold the same") as string,
  });

  inCache(home, `DELETE FROM history WHERE id = '${gone}'`);
  inCache(home, `UPDATE history SET command = 'something else' WHERE id = '${damaged}'`);
  for (let time = 0; time < 2; time++) {
    expect(await verify()).toMatchObject({
      code: 1,
      err: expect.stringMatching(/differ \(1 missing here, 1 not the same\)/) as string,
    });
    expect((await commands(a)).length).toBe(21);
  }
  const mended = await historyctl(["sync", "reconcile", "--content"], { env: a.env });
  expect(mended).toMatchObject({ code: 0, out: expect.stringContaining("2 mended") as string });
  expect((await verify()).code).toBe(0);
  expect((await commands(a)).length).toBe(22);
  expect(await entry(a, damaged)).toMatchObject({ command: "damaged behind its back", sync: "synced" });

  // Where nobody can be asked, nobody can say that everything is here.
  await sqld.stop();
  expect(await verify()).toMatchObject({ code: 1, out: "" });
});
