import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Entry } from "../../../client-lib/protocol/entry.ts";
import { createDesk, createPerson, type Desk } from "./decisions.ts";

let desk: Desk;
let entry: Entry;
beforeAll(async () => {
  desk = await createDesk();
});
afterAll(() => desk.close());
beforeEach(async () => {
  desk.api.clock.ms += 1000;
  entry = await desk.api.add({ command: "vault read \u001B[2J secret" });
});

const UNKNOWN = "0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33";
const short = (id: string): string => id.slice(-8);

describe("delete and restore", () => {
  test("by the whole id and by its end", async () => {
    for (const id of [entry.id, short(entry.id)]) {
      expect(await desk.ctl(["delete", id])).toEqual({
        code: 0,
        err: "",
        out: `deleted ${short(entry.id)}; historyctl restore ${short(entry.id)} undoes it\n`,
      });
      expect(desk.entry(entry.id)?.deleted_at).not.toBeNull();
      expect(await desk.ctl(["restore", id])).toEqual({
        code: 0,
        err: "",
        out: `restored ${short(entry.id)}\n`,
      });
      expect(desk.entry(entry.id)?.deleted_at).toBeNull();
    }
    const json = await desk.ctl(["delete", entry.id, "--json"]);
    expect(JSON.parse(json.out)).toMatchObject({ id: entry.id, deleted_at: desk.api.clock.ms });
    expect(JSON.parse((await desk.ctl(["restore", entry.id, "--json"])).out)).toMatchObject({
      deleted_at: null,
    });
  });

  test("of what is not there, not deleted or not the only one", async () => {
    expect(await desk.ctl(["delete", UNKNOWN])).toMatchObject({
      code: 1,
      err: expect.stringContaining("no entry"),
    });
    expect(await desk.ctl(["restore", UNKNOWN])).toMatchObject({ code: 1 });
    expect(await desk.ctl(["restore", short(entry.id)])).toMatchObject({
      code: 1,
      err: expect.stringContaining("give its whole id"),
    });
    expect((await desk.ctl(["restore", "x"])).err).toContain("'x' is no id");
    for (const middle of ["9c55", "9c56"]) {
      const id = `0197a3f2-8c1e-7b52-${middle}-00000000abcd`;
      await desk.api.add({ id, command: "twin" });
      await desk.ctl(["delete", id]);
    }
    expect((await desk.ctl(["restore", "abcd"])).err).toContain("2 deleted entries end in 'abcd'");
    expect((await desk.ctl(["restore", "9c56-00000000abcd"])).code).toBe(0);
  });
});

describe("purge", () => {
  test("shows what it is about, and asks", async () => {
    const person = createPerson(["yes"]);
    const ran = await desk.ctl(["purge", short(entry.id)], { terminal: person });
    expect(ran).toEqual({ code: 0, err: "", out: `purged ${short(entry.id)}\n` });
    expect(person.questions).toEqual([
      `Erase ${short(entry.id)} (vault read \\x1b[2J secret) on all machines, for good? Type yes: `,
    ]);
    expect(desk.entry(entry.id)).toBeNull();
  });

  test.each([["no"], ["y"], [""], []])("does nothing after any other answer: %j", async (...answers) => {
    const ran = await desk.ctl(["purge", entry.id], { terminal: createPerson(answers) });
    expect(ran).toEqual({ code: 1, out: "", err: "historyctl: nothing was purged\n" });
    expect(desk.entry(entry.id)).not.toBeNull();
  });

  test("does not ask where it is told so; without a terminal it must be", async () => {
    const refused = await desk.ctl(["purge", entry.id]);
    expect(refused).toMatchObject({ code: 2, out: "", err: expect.stringContaining("add --yes") });
    expect(desk.entry(entry.id)).not.toBeNull();
    const person = createPerson([]);
    const ran = await desk.ctl(["purge", short(entry.id), "--yes", "--json"], { terminal: person });
    expect(JSON.parse(ran.out)).toEqual({ id: entry.id, purged_at: desk.api.clock.ms });
    expect(person.questions).toEqual([]);
  });

  test("works on what is deleted and what was purged, by the whole id", async () => {
    await desk.ctl(["delete", entry.id]);
    expect((await desk.ctl(["purge", short(entry.id), "--yes"])).code).toBe(1);
    for (const id of [entry.id, entry.id]) expect((await desk.ctl(["purge", id, "--yes"])).code).toBe(0);
    expect(desk.entry(entry.id)).toBeNull();
    expect(await desk.ctl(["purge", UNKNOWN, "--yes"])).toMatchObject({ code: 1 });
  });
});

describe("audit", () => {
  test("says who changed what, in a table or as JSON", async () => {
    await desk.api.call("PATCH", `/v1/history/${entry.id}`, { note: "x", tags: ["y"] });
    const id = await desk.addConflict(entry);
    await desk.ctl(["sync", "resolve", id, "--choice", "local"]);
    const { code, out, err } = await desk.ctl(["audit", "--record", short(entry.id)], { width: 100 });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^ *WHEN +ACTION +ENTRY +WHO +WHAT$/);
    expect(lines[1]).toMatch(
      new RegExp(
        `^ +now +resolve +${short(entry.id)} +ana@achine-a +conflict ${short(id)}, field note, choice local$`,
      ),
    );
    expect(lines[2]).toMatch(/ edit +[0-9a-f]{8} +ana@achine-a +tags, note$/);
    expect(lines).toHaveLength(3);

    await desk.ctl(["purge", entry.id, "--yes"]);
    const purges = await desk.ctl(["audit", "--record", entry.id, "--action", "purge", "--json"]);
    expect(JSON.parse(purges.out)).toMatchObject({ events: [{ action: "purge", record_id: entry.id }] });
    const page = await desk.ctl(["audit", "--limit", "1"]);
    const cursor = /add --cursor (\S+)\n/.exec(page.err)?.[1] ?? "";
    expect((await desk.ctl(["audit", "--limit", "1", "--cursor", cursor])).out).toContain("resolve");
    expect((await desk.ctl(["audit", "--since", "now", "--action", "none"])).out).toBe("no change fits\n");
  });

  test("no terminal acts on what others wrote", async () => {
    const evil = "\u001B[2J\u202E";
    await desk.api.machine.store.write.run((tx) => {
      tx.audit.add({
        at: 1,
        action: evil,
        recordKind: evil,
        recordId: evil,
        machineId: evil,
        user: evil,
        details: { fields: [evil], [evil]: { a: evil } },
      });
    });
    const { out } = await desk.ctl(["audit", "--limit", "1"]);
    expect(out).toContain("\\x1b[2J\\u{202e}");
    // oxlint-disable-next-line no-control-regex -- they are what it is about
    expect(out).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202E]/);
  });
});
