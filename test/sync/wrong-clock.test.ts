import { beforeEach, expect, onTestFinished, test } from "vitest";
import { MAX_CLOCK_AHEAD_MS } from "../../daemon/core/hlc.ts";
import { createClockFile } from "../support/clock-file.ts";
import { type Sqld, startSqld } from "../support/sqld.ts";
import { edit, entry, folder, member, onRemote, record, sync } from "./team.ts";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

let sqld: Sqld;
beforeEach(async () => {
  sqld = await startSqld();
  onTestFinished(sqld.close);
});

test.each([
  ["ahead", DAY_MS],
  ["behind", -DAY_MS],
])("a clock that is a day %s: nobody else sees its times", async (_, aheadMs) => {
  const clock = createClockFile(folder(), aheadMs);
  const [wrong, right] = await Promise.all([member(sqld.url, { env: clock.env }), member(sqld.url)]);
  const began = Date.now();
  // Recorded before it knows better, and after.
  const ids = [await record(wrong, "before its first contact")];
  await sync(wrong);
  ids.push(await record(wrong, "after it"));
  await edit(wrong, ids[0]!, "edited");
  await sync(wrong);
  await sync(right);
  for (const id of ids) {
    const seen = await entry(right, id);
    for (const at of [seen.timestamp, seen.created_at]) {
      expect(Math.abs(at - began)).toBeLessThan(MINUTE_MS);
    }
    // This one is the stamp's: what may have left before the clock was known to be wrong is not taken back.
    expect(seen.updated_at).toBeLessThan(Date.now() + MAX_CLOCK_AHEAD_MS);
    expect((await entry(wrong, id)).timestamp).toBe(seen.timestamp);
  }
  // The other one's edit is the later one, whatever the first one's clock says.
  await edit(right, ids[0]!, "edited later");
  await sync(right);
  await sync(wrong);
  expect((await entry(wrong, ids[0]!)).note).toBe("edited later");
  const [newest] = await onRemote(sqld.url, "SELECT max(hlc) AS hlc FROM records");
  expect(Number.parseInt(String(newest!["hlc"]).slice(0, 12), 16)).toBeLessThan(
    Date.now() + MAX_CLOCK_AHEAD_MS + MINUTE_MS,
  );
});
