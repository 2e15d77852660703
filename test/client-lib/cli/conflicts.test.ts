import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Conflict } from "../../../client-lib/protocol/conflict.ts";
import { widthOf } from "../../../client-lib/cli/output/width.ts";
import type { Entry } from "../../../client-lib/protocol/entry.ts";
import { stamp } from "../../support/store.ts";
import { createDesk, createPerson, type Desk } from "./decisions.ts";

let desk: Desk;
let entry: Entry;
beforeEach(async () => {
  desk = await createDesk();
  entry = await desk.api.add({ command: "make all", note: "remote note", tags: ["a"] });
});
afterEach(() => desk.close());

const short = (id: string): string => id.slice(-8);
const note = (): string | null => desk.entry(entry.id)!.note;
const QUESTION = "[L]ocal, [R]emote, [M]erge, [S]kip, [Q]uit: ";

describe("sync conflicts", () => {
  test("shows what clashed, in the width there is", async () => {
    const id = await desk.addConflict(entry, { local: "long ".repeat(100) });
    const { code, out, err } = await desk.ctl(["sync", "conflicts"], { width: 100 });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^ID +WHEN +FIELD +MACHINES +WON +LOCAL \| REMOTE$/);
    expect(lines[1]).toMatch(
      new RegExp(`^${short(id)} +now +note +achine-a / achine-b +remote +long long.*… \\| remote note$`),
    );
    for (const width of [20, 40, 60, 80]) {
      const narrow = await desk.ctl(["sync", "conflicts"], { width });
      for (const line of narrow.out.split("\n").slice(1))
        expect(line.length).toBeLessThanOrEqual(Math.max(width, 45));
    }
  });

  test("open ones, or all with what was decided; or JSON", async () => {
    const [open, done] = [await desk.addConflict(entry, { at: 1 }), await desk.addConflict(entry, { at: 2 })];
    await desk.ctl(["sync", "resolve", done, "--choice", "local"]);
    expect((await desk.ctl(["sync", "conflicts"])).out).not.toContain(short(done));
    const all = await desk.ctl(["sync", "conflicts", "--all"]);
    expect(all.out).toMatch(new RegExp(`STATE[^]*${short(done)}.*local[^]*${short(open)}.*open`));
    const json = await desk.ctl(["sync", "conflicts", "--all", "--json"]);
    const page = JSON.parse(json.out) as { conflicts: Conflict[] };
    expect(page.conflicts.map(({ id }) => id)).toEqual([done, open]);
    const first = await desk.ctl(["sync", "conflicts", "--all", "--limit", "1"]);
    expect(first).toMatchObject({ code: 0, err: "there are more: see --limit\n" });
  });

  test("says so where there are none", async () => {
    expect((await desk.ctl(["sync", "conflicts"])).out).toBe("no open conflicts\n");
    expect((await desk.ctl(["sync", "conflicts", "--all"])).out).toBe("no conflicts\n");
  });
});

describe("sync resolve, as the options say", () => {
  test("takes the chosen side, by the whole id and by its end", async () => {
    const id = await desk.addConflict(entry);
    const ran = await desk.ctl(["sync", "resolve", short(id), "--choice", "local"]);
    expect(ran).toEqual({ code: 0, err: "", out: `${short(id)}  note: local (machine-a): local note\n` });
    expect(note()).toBe("local note");
    await desk.ctl(["sync", "resolve", id.toUpperCase(), "--choice", "remote"]);
    expect(note()).toBe("remote note");
  });

  test.each([
    ["note", "both of them", "both of them"],
    ["note", "", null],
    ["tags", '["x","y"]', ["x", "y"]],
    ["pinned", "true", true],
    ["response", "5", "5"],
  ])("merges %s from text: %j", async (field, text, value) => {
    const id = await desk.addConflict(entry, { field });
    const ran = await desk.ctl(["sync", "resolve", id, "--choice", "merge", "--value", text]);
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(desk.conflict(id)).toMatchObject({ current_value: value, resolution: "merge" });
  });

  test("refuses a merged value that is not the field's, and says why", async () => {
    const id = await desk.addConflict(entry, { field: "tags" });
    for (const [value, message] of [
      ["a,b", /^historyctl: tags: expected JSON, such as \["deploy","fix"\]\n$/],
      ["[1]", /body\.value\.0: expected string, got 1\n/],
    ] as const) {
      const ran = await desk.ctl(["sync", "resolve", id, "--choice", "merge", "--value", value]);
      expect(ran).toMatchObject({ code: 1, err: expect.stringMatching(message) });
    }
    expect(desk.conflict(id).resolved_at).toBeNull();
  });

  test("finds no conflict, or several", async () => {
    expect(await desk.ctl(["sync", "resolve", "0000ffff", "--choice", "local"])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^historyctl: no conflict ends in '0000ffff'.*\n$/),
    });
    expect((await desk.ctl(["sync", "resolve", "x", "--choice", "local"])).err).toContain("'x' is no id");
    const ids = ["0197a3f2-8c1e-7b52-9c55-00000000abcd", "0197a3f2-8c1e-7b52-9c56-00000000abcd"];
    for (const id of ids) {
      const made = await desk.addConflict(entry);
      await desk.api.machine.store.write.run((tx) => {
        const { version } = tx.records.get("conflict", made)!;
        tx.records.put({ version: { ...version, id }, rev: null, base: null });
      });
    }
    const several = await desk.ctl(["sync", "resolve", "abcd", "--choice", "local"]);
    expect(several.code).toBe(1);
    for (const id of ids) expect(several.err).toContain(id);
  });
});

describe("sync resolve --auto", () => {
  test("takes the last write of each, and prints each decision", async () => {
    const ids = [
      await desk.addConflict(entry, { at: 3 }),
      await desk.addConflict(entry, { at: 2, field: "tags", local: ["a"], remote: ["b"], winner: "local" }),
    ];
    const { code, out, err } = await desk.ctl(["sync", "resolve", "--auto"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toBe(
      `${short(ids[0]!)}  note: remote (machine-b): remote note\n${short(ids[1]!)}  tags: local (machine-a): ["a"]\n`,
    );
    expect(ids.map((id) => desk.conflict(id).resolution)).toEqual(["remote", "local"]);
    expect((await desk.ctl(["sync", "resolve", "--auto"])).out).toBe("no open conflicts\n");
  });

  test("keeps what was written since, whoever won before", async () => {
    const older = await desk.addConflict(entry, { at: 1, remote: "an older note" });
    const tags = await desk.addConflict(entry, { at: 2, field: "tags", remote: ["c"] });
    await desk.api.call("PATCH", `/v1/history/${entry.id}`, { tags: [] });
    const { code, out } = await desk.ctl(["sync", "resolve", "--auto"]);
    expect(code).toBe(0);
    expect(out).toContain("note: merged: remote note");
    expect([note(), desk.entry(entry.id)!.tags]).toEqual(["remote note", []]);
    expect([older, tags].map((id) => desk.conflict(id).resolution)).toEqual(["merge", "merge"]);
  });

  test("settles what was too large to keep", async () => {
    const large = { local: "x".repeat(2_000_000), remote: "y".repeat(2_000_000) };
    const [same, edited] = [await desk.addConflict(entry, large), await desk.addConflict(entry, large)];
    await desk.api.machine.store.write.run((tx) => {
      const stored = tx.records.get("history", entry.id)!;
      const clocks = { "*": stamp(1), note: desk.conflict(same).remote_clock };
      tx.records.put({ ...stored, version: { ...stored.version, clocks } });
    });
    expect((await desk.ctl(["sync", "resolve", "--auto"])).code).toBe(0);
    expect([same, edited].map((id) => desk.conflict(id).resolution)).toEqual(["remote", "merge"]);
    expect(note()).toBe("remote note");
  });

  test("goes on after what cannot be settled, and ends with exit code 1", async () => {
    const gone = await desk.addConflict(entry, { at: 2, raw: { record_id: "elsewhere" } });
    const fine = await desk.addConflict(entry, { at: 1 });
    const ran = await desk.ctl(["sync", "resolve", "--auto"]);
    expect(ran).toMatchObject({ code: 1, out: expect.stringContaining(short(fine)) });
    expect(ran.err).toMatch(
      new RegExp(
        `^historyctl: conflict ${short(gone)}: .*\\nhistoryctl: 1 of 2 conflicts could not be resolved\\n$`,
      ),
    );
    const json = await desk.ctl(["sync", "resolve", fine, gone, "--choice", "local", "--json"]);
    expect(JSON.parse(json.out)).toMatchObject({
      resolved: [{ id: fine, resolution: "local" }],
      failed: [{ id: gone, code: "HD_GONE" }],
    });
  });
});

describe("sync resolve, asking", () => {
  test("shows both side by side, and does what is answered", async () => {
    const id = await desk.addConflict(entry, { base: "before", local: "local\tnote\nin two lines" });
    desk.api.clock.ms += 60_000;
    const person = createPerson(["l"]);
    const { code, out } = await desk.ctl(["sync", "resolve"], { terminal: person, width: 60 });
    expect(code).toBe(0);
    expect(out).toBe(
      [
        "field   note",
        `entry   ${short(entry.id)}  make all`,
        "before  before",
        "",
        "LOCAL                        | REMOTE (won)",
        "machine-a, 1 min ago         | machine-b, 1 min ago",
        "local    note                | remote note",
        "in two lines                 |",
        `${short(id)}  note: local (machine-a): local\\tnote\\nin two lines`,
        "resolved 1 conflict",
        "",
      ].join("\n"),
    );
    expect(person.questions).toEqual([QUESTION]);
    expect(note()).toBe("local\tnote\nin two lines");
  });

  test.each([
    ["r", "remote"],
    ["REMOTE", "remote"],
    [" local ", "local"],
    ["s", null],
    ["skip", null],
  ])("understands %j", async (answer, resolution) => {
    const id = await desk.addConflict(entry);
    await desk.ctl(["sync", "resolve"], { terminal: createPerson([answer]) });
    expect(desk.conflict(id).resolution).toBe(resolution);
  });

  test("asks again where it does not understand, and ends where the input does", async () => {
    const id = await desk.addConflict(entry);
    const person = createPerson(["", "x", "local remote"]);
    const { code, out } = await desk.ctl(["sync", "resolve"], { terminal: person });
    expect(code).toBe(0);
    expect(person.questions).toHaveLength(4);
    expect(out.match(/please answer/g)).toHaveLength(3);
    expect(out.endsWith("resolved 0 conflicts\n")).toBe(true);
    expect(desk.conflict(id).resolved_at).toBeNull();
  });

  test("goes through all of them until it is quit; what was decided stays", async () => {
    const ids: string[] = [];
    for (let at = 4; at > 0; at--) ids.push(await desk.addConflict(entry, { at }));
    const person = createPerson(["l", "s", "q"]);
    const { out } = await desk.ctl(["sync", "resolve"], { terminal: person });
    expect(ids.map((id) => desk.conflict(id).resolution)).toEqual(["local", null, null, null]);
    expect(out.endsWith("resolved 1 conflict\n")).toBe(true);
    const rest = createPerson(["r", "r"]);
    await desk.ctl(["sync", "resolve", short(ids[3]!), ids[0]!], { terminal: rest });
    expect(ids.map((id) => desk.conflict(id).resolution)).toEqual(["remote", null, null, "remote"]);
    expect(rest.questions).toHaveLength(2);
  });

  test("says what the entry has now, where that is neither", async () => {
    await desk.addConflict(entry, { remote: "an older note" });
    const { out } = await desk.ctl(["sync", "resolve"], { terminal: createPerson(["q"]) });
    expect(out).toMatch(/^now +remote note$/m);
    await desk.addConflict(entry, { at: 1_700_000_000_001, raw: { record_id: "elsewhere" } });
    const gone = await desk.ctl(["sync", "resolve"], { terminal: createPerson(["q"]) });
    expect(gone.out).toContain("(not on this machine any more)");
    expect(gone.out).not.toMatch(/^now /m);
  });

  test("says what the daemon refuses, and asks again", async () => {
    const id = await desk.addConflict(entry);
    await desk.api.call("DELETE", `/v1/history/${entry.id}`);
    const person = createPerson(["l", "r"]);
    const { code, out } = await desk.ctl(["sync", "resolve"], { terminal: person });
    expect(code).toBe(0);
    expect(out).toContain("is deleted; restore it first");
    expect(desk.conflict(id).resolution).toBe("remote");
  });

  test("values of any length and kind fit, and no terminal acts on them", async () => {
    const evil = "\u001B]52;c;ZXZpbA==\u0007\u009B2J\u202Etxt";
    await desk.addConflict(entry, {
      local: `${evil}\n`.repeat(500),
      remote: "日本語".repeat(2000),
      base: evil,
      raw: { local_machine: evil, remote_machine: "m".repeat(200) },
    });
    await desk.addConflict(entry, { raw: { field: `n${evil}`, record_id: evil } });
    await desk.addConflict(entry, { field: "deleted_at", local: 1_700_000_000_000, remote: null });
    await desk.addConflict(entry, { local: "x".repeat(3_000_000), remote: "y".repeat(3_000_000) });
    for (const width of [30, 70, 120, null]) {
      const person = createPerson(["s", "s", "s", "s"]);
      const walk = await desk.ctl(["sync", "resolve"], { terminal: person, width });
      const table = await desk.ctl(["sync", "conflicts"], { width });
      expect(walk.out.split("\n").length).toBeLessThan(120);
      if (width !== 30) {
        expect(walk.out).toContain("(left out: too large)");
        expect(walk.out).toMatch(/^\(deleted 2023-11-1[45] [\d:]+\) +\| \(not deleted\)$/m);
      }
      for (const line of walk.out.split("\n")) {
        if (line.includes(" | ")) expect(widthOf(line)).toBeLessThanOrEqual(width ?? 80);
      }
      for (const text of [walk.out, table.out, ...person.questions]) {
        // oxlint-disable-next-line no-control-regex -- they are what it is about
        expect(text).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202E]/);
      }
    }
  });
});

describe("merging", () => {
  /** What somebody leaves of the text in their editor. */
  const keep =
    (...lines: string[]) =>
    () =>
      `${lines.join("\n")}\n`;

  test("opens the editor with both, and takes what is left", async () => {
    const id = await desk.addConflict(entry, { local: "ours\n# with a title", remote: "theirs" });
    const person = createPerson(["m"], keep("ours", "theirs", ""));
    expect((await desk.ctl(["sync", "resolve"], { terminal: person })).code).toBe(0);
    expect(person.texts[0]).toMatch(
      /^<<<<<<< local.*machine-a\nours\n# with a title\n=======.*\ntheirs\n>>>>>>> remote.*machine-b\n$/,
    );
    expect([note(), desk.conflict(id).resolution]).toEqual(["ours\ntheirs\n", "merge"]);
  });

  test("of what is no text is of JSON, an empty list included", async () => {
    const id = await desk.addConflict(entry, { field: "tags", local: ["a"], remote: null });
    const person = createPerson(["merge"], keep('["a", "b"]'));
    await desk.ctl(["sync", "resolve"], { terminal: person });
    expect(person.texts[0]).toContain('\n["a"]\n=======');
    expect(person.texts[0]).toContain("\n[]\n>>>>>>>");
    expect(desk.conflict(id).current_value).toEqual(["a", "b"]);
  });

  test("asks again where nothing was merged, the value is a wrong one or the editor fails", async () => {
    const id = await desk.addConflict(entry, { field: "tags", local: ["a"], remote: ["b"] });
    const results = [
      (text: string) => text,
      keep("a, b"),
      keep("[1]"),
      () => {
        throw new Error("the editor 'vi' ended with exit code 1");
      },
      (text: string) => text.split("\n").slice(1).join("\n"),
      keep("[]"),
    ];
    const person = createPerson(["m", "m", "m", "m", "m", "m"], (text) => results.shift()!(text));
    const { code, out } = await desk.ctl(["sync", "resolve"], { terminal: person });
    expect(code).toBe(0);
    expect(out.match(/nothing was merged/g)).toHaveLength(2);
    expect(out).toContain("tags: expected JSON");
    expect(out).toContain("body.value.0: expected string, got 1");
    expect(out).toContain("the editor 'vi' ended with exit code 1");
    expect(desk.conflict(id)).toMatchObject({ resolution: "merge", current_value: null });
  });

  test("reads a line where there is no editor", async () => {
    const id = await desk.addConflict(entry, { field: "tags" });
    const person = createPerson(["m", '["x"]']);
    await desk.ctl(["sync", "resolve"], { terminal: person });
    expect(person.questions).toEqual([QUESTION, 'tags (JSON, such as ["deploy","fix"]): ']);
    expect(desk.conflict(id).current_value).toEqual(["x"]);
    const given = await desk.addConflict(entry);
    const { out } = await desk.ctl(["sync", "resolve", given], { terminal: createPerson(["m"]) });
    expect(out.endsWith("resolved 0 conflicts\n")).toBe(true);
  });
});
