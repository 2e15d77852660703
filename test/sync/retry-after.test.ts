import { expect, test } from "vitest";
import { link } from "./linked.ts";

test("a remote that says when to come again is asked then, within the cap", async () => {
  const { time, proxy, service, waits } = await link();
  await time.pass(2000);
  for (const [header, least, most] of [
    ["20", 20_000, 30_000],
    ["86400", 60_000, 60_000],
    ["Wed, 21 Oct 2026 07:28:00 GMT", 100, 8000],
  ] as const) {
    await proxy.set({ respond: { status: 429, headers: { "retry-after": header } } });
    await expect(service.syncNow()).rejects.toMatchObject({ code: "HD_REMOTE_BUSY" });
    await time.asleep();
    const [wait] = waits();
    expect(wait).toBeGreaterThanOrEqual(least);
    expect(wait).toBeLessThanOrEqual(most);
  }
});
