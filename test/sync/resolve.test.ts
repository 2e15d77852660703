import { expect, onTestFinished, test } from "vitest";
import { historyctl } from "../client-lib/cli/historyctl.ts";
import { startSqld } from "../support/sqld.ts";
import { edit, entry, machineId, member, record, sync } from "./team.ts";

test("a conflict that is settled on a third machine is settled everywhere, and everybody can see by whom", async () => {
  const sqld = await startSqld();
  onTestFinished(sqld.close);
  const [a, b, c] = await Promise.all([member(sqld.url), member(sqld.url), member(sqld.url)]);
  const id = await record(a, "make deploy");
  await sync(a);
  await sync(b);
  await edit(a, id, "from a");
  await edit(b, id, "from b, later");
  for (const machine of [a, b, c, a]) await sync(machine);
  expect((await entry(c, id)).note).toBe("from b, later");

  const listed = await historyctl(["sync", "conflicts", "--json"], { env: c.env });
  const { conflicts } = JSON.parse(listed.out) as { conflicts: { id: string; remote_value: string }[] };
  expect(conflicts).toMatchObject([{ record_id: id, field: "note", remote_value: "from a" }]);
  const end = conflicts[0]!.id.slice(-8);
  const settled = await historyctl(["sync", "resolve", end, "--choice", "remote"], { env: c.env });
  expect(settled).toMatchObject({ code: 0, err: "", out: expect.stringContaining("from a") as string });
  for (const machine of [c, a, b]) await sync(machine);

  const who = await machineId(c);
  for (const machine of [a, b, c]) {
    expect(await entry(machine, id)).toMatchObject({ note: "from a", sync: "synced" });
    expect((await historyctl(["sync", "conflicts"], { env: machine.env })).out).toBe("no open conflicts\n");
    const { body } = await machine.request("GET", `/v1/audit?record=${id}&action=resolve`);
    expect(body.events).toMatchObject([
      {
        action: "resolve",
        machine_id: who,
        details: { field: "note", choice: "remote", conflict: conflicts[0]!.id },
      },
    ]);
  }
});
