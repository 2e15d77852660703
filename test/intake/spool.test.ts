import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createSpoolFolder, type SpoolFolder } from "./spool-folder.ts";

let spool: SpoolFolder;
beforeEach(() => {
  spool = createSpoolFolder();
});
afterEach(() => {
  spool.close();
});

const id = (number: number) => `00000000-0000-7000-8000-${number.toString(16).padStart(12, "0")}`;
const inode = (name: string) => statSync(join(spool.folder, name)).ino;

describe("taking in", () => {
  test("stores every entry in order, with its place in the outbox, once", async () => {
    const commands = Array.from({ length: 450 }, (_, index) => `echo ${index}`);
    spool.append("a.jsonl", ...commands.map((command, index) => ({ command, id: id(index) })));
    await spool.restart().takeIn();
    expect(spool.commands()).toEqual(commands);
    expect(spool.files.store.read.outbox.depth()).toBe(450);

    // Again, by the same daemon and by the next one.
    await spool.restart().takeIn();
    expect(spool.commands()).toEqual(commands);
  });

  test("says what it did", async () => {
    const running = spool.restart();
    spool.append("a.jsonl", { command: "ls" }, "nonsense", { command: "pwd" });
    await running.takeIn();
    expect(running.status()).toEqual({ files: 0, taken: 2, rejected: 1 });
    await running.takeIn();
    expect(running.status()).toMatchObject({ taken: 2, rejected: 1 });
  });

  test("takes several files, and no others", async () => {
    spool.append("b.jsonl", { command: "b" });
    spool.append("a.jsonl", { command: "a" });
    spool.append("c.jsonl.tmp", { command: "c" });
    spool.append("notes.txt", "d");
    await spool.restart().takeIn();
    expect(spool.commands()).toEqual(["a", "b"]);
    expect(spool.names()).toContain("notes.txt");
  });

  test("takes what is appended later, from where it was", async () => {
    const running = spool.restart();
    for (const command of ["one", "two", "three"]) {
      spool.append("a.jsonl", { command });
      await running.takeIn();
    }
    expect(spool.commands()).toEqual(["one", "two", "three"]);
  });

  test("takes an entry that the daemon had already stored as done", async () => {
    await spool.recorder.record({ id: id(1), command: "ls" });
    spool.append("a.jsonl", { id: id(1), command: "ls" }, { id: id(2), command: "pwd" });
    const running = spool.restart();
    await running.takeIn();
    expect(spool.commands()).toEqual(["ls", "pwd"]);
    expect(running.status()).toMatchObject({ taken: 1, rejected: 0 });
  });

  test("asked for during another is done after it, with what came meanwhile", async () => {
    const running = spool.restart();
    spool.append("a.jsonl", { command: "one" });
    const first = running.takeIn();
    spool.append("a.jsonl", { command: "two" });
    await Promise.all([first, running.takeIn(), running.takeIn()]);
    expect(spool.commands()).toEqual(["one", "two"]);
  });

  test("ends after the piece under way when it is stopped; the rest is taken by the next daemon", async () => {
    spool.append("a.jsonl", ...Array.from({ length: 1000 }, (_, index) => ({ command: `echo ${index}` })));
    const running = spool.restart();
    const taking = running.takeIn();
    await running.stop();
    await taking;
    expect(spool.commands().length).toBeLessThan(1000);
    await running.takeIn();
    await spool.restart().takeIn();
    expect(spool.commands()).toEqual(Array.from({ length: 1000 }, (_, index) => `echo ${index}`));
  });
});

test("however the writes and the looks fall, every line is stored exactly once and in order", async () => {
  // A line is cut anywhere: between two looks a writer may have written half of it, or half a character.
  const line = fc.record({
    command: fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }),
    withId: fc.boolean(),
  });
  const cuts = fc.array(fc.nat(200), { maxLength: 10 });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { minLength: 1, maxLength: 12 }),
      cuts,
      fc.boolean(),
      async (lines, at, crlf) => {
        run += 1;
        const before = spool.commands().length;
        const text = lines
          .map(({ command, withId }, index) => {
            const entry = { command, ...(withId ? { id: id(run * 1000 + index) } : {}) };
            return `${JSON.stringify({ v: 1, entry })}${crlf ? "\r\n" : "\n"}`;
          })
          .join("");
        let rest = Buffer.from(text);
        for (const cut of [...at, rest.length]) {
          appendFileSync(join(spool.folder, `run-${run}.jsonl`), rest.subarray(0, cut));
          rest = rest.subarray(cut);
          await spool.restart().takeIn();
        }
        expect(spool.commands().slice(before)).toEqual(lines.map(({ command }) => command));
      },
    ),
    { numRuns: 25 },
  );
  expect(spool.rejected()).toEqual({});
});

describe("lines", () => {
  test("without an id get one from their place, which no other line has", async () => {
    spool.append("a.jsonl", { command: "ls" }, { command: "ls" });
    spool.append("b.jsonl", { command: "ls" });
    await spool.restart().takeIn();
    expect(spool.commands()).toEqual(["ls", "ls", "ls"]);
  });

  test("get the same id again when the cache has forgotten how far it was", async () => {
    spool.append("a.jsonl", { command: "ls" }, { command: "ls" });
    await spool.restart().takeIn();
    await spool.files.store.write.run((tx) => {
      tx.spoolFiles.forget("a.jsonl", inode("a.jsonl"));
    });
    await spool.restart().takeIn();
    expect(spool.commands()).toEqual(["ls", "ls"]);
  });

  test("that are blank are nothing", async () => {
    spool.append("a.jsonl", "", { command: "ls" }, "   ", "\t\r", { command: "pwd" }, "");
    await spool.restart().takeIn();
    expect([spool.commands(), spool.rejected()]).toEqual([["ls", "pwd"], {}]);
  });

  test("as long as an entry can be are taken", async () => {
    const command = "é".repeat(512 * 1024);
    const response = "\u0001".repeat(3 * 1024 * 1024);
    spool.append("a.jsonl", { command: "before" }, { command, response }, { command: "after" });
    await spool.restart().takeIn();
    expect(spool.commands()).toEqual(["before", command, "after"]);
    expect(spool.rejected()).toEqual({});
  });

  test("that have no end yet wait for it, and hold up nothing before them", async () => {
    const whole = JSON.stringify({ v: 1, entry: { command: "two" } });
    spool.append("a.jsonl", { command: "one" });
    appendFileSync(join(spool.folder, "a.jsonl"), whole);
    await spool.restart().takeIn();
    expect(spool.commands()).toEqual(["one"]);
    appendFileSync(join(spool.folder, "a.jsonl"), "\n");
    await spool.restart().takeIn();
    expect([spool.commands(), spool.rejected()]).toEqual([["one", "two"], {}]);
  });
});

describe("a line that cannot be stored", () => {
  const nested = `{"v":1,"entry":{"command":"x","context":${'{"a":'.repeat(9000)}1${"}".repeat(9000)}}}`;

  test.each<[string, string | object]>([
    ["no JSON", '{"v":1,'],
    ["no object", "7"],
    ["another version", '{"v":2,"entry":{"command":"x"}}'],
    ["an unknown field", { command: "x", mood: "good" }],
    ["no command", {}],
    ["too much", { command: "x".repeat(1024 * 1024 + 1) }],
    ["half a character", '{"v":1,"entry":{"command":"\\ud83d"}}'],
    ["nesting that no check can follow", nested],
  ])("is kept where a person finds it, and stops no other: %s", async (_, bad) => {
    spool.append("a.jsonl", { command: "before" }, bad, { command: "after" });
    const running = spool.restart();
    await running.takeIn();
    expect(spool.commands()).toEqual(["before", "after"]);
    expect(running.status()).toMatchObject({ taken: 2, rejected: 1 });

    const start = Buffer.byteLength(`${JSON.stringify({ v: 1, entry: { command: "before" } })}\n`);
    const text = typeof bad === "string" ? bad : JSON.stringify({ v: 1, entry: bad });
    const name = `a-${inode("a.jsonl")}-${start}.txt`;
    expect(spool.rejected()).toEqual({ [name]: `${text}\n` });
    expect(statSync(join(spool.folder, "rejected")).mode & 0o777).toBe(0o700);
    expect(statSync(join(spool.folder, "rejected", name)).mode & 0o777).toBe(0o600);
    expect(spool.log.join("\n")).toMatch(/^warn .*refused.*rejected/m);
  });

  test("because its id has other content is kept as well", async () => {
    await spool.recorder.record({ id: id(1), command: "ls" });
    spool.append("a.jsonl", { id: id(1), command: "pwd" });
    await spool.restart().takeIn();
    expect(spool.commands()).toEqual(["ls"]);
    expect(Object.values(spool.rejected())).toEqual([expect.stringContaining("pwd")]);
    expect(spool.log.join("\n")).toMatch(/other|another/);
  });

  test("because it is longer than any may be holds up nothing that follows it", async () => {
    const file = join(spool.folder, "a.jsonl");
    spool.append("a.jsonl", { command: "before" });
    // Three bytes a character, so that no piece of it ends with one by chance.
    const long = "€".repeat(23 * 1024 * 1024);
    appendFileSync(file, `x${long}`);
    spool.append("a.jsonl", "", { command: "after" });
    await spool.restart().takeIn();
    expect(spool.commands()).toEqual(["before", "after"]);
    const kept = Object.values(spool.rejected()).toSorted((a, b) => b.length - a.length);
    expect(kept.map((piece) => piece.replace("\n", "")).join("") === `x${long}`).toBe(true);
  });
});

describe("a file that cannot be read", () => {
  test.each([
    ["a folder", (file: string) => mkdirSync(file)],
    ["a pipe, which would block whoever opens it", (file: string) => execFileSync("mkfifo", [file])],
    ["a link", (file: string) => symlinkSync("/etc/hostname", file)],
  ])("%s: stops no other, is left alone, and warned of once", async (_what, make) => {
    make(join(spool.folder, "a.jsonl"));
    spool.append("b.jsonl", { command: "b" });
    const running = spool.restart();
    await running.takeIn();
    await running.takeIn();
    expect(spool.commands()).toEqual(["b"]);
    expect(running.status().files).toBe(0);
    expect(spool.log.filter((line) => /warn .*a\.jsonl is no plain file/.test(line))).toHaveLength(1);
  });

  test("for want of room for what it refuses is tried again", async () => {
    writeFileSync(join(spool.folder, "rejected"), "a file in the folder's place");
    spool.append("a.jsonl", { command: "ls" }, "nonsense");
    await spool.restart().takeIn();
    expect(spool.commands()).toEqual([]);
    expect(spool.log.join("\n")).toMatch(/error .*a\.jsonl/);
  });
});

test("a folder that was removed is empty, and made again at the next look", async () => {
  const running = spool.restart();
  rmSync(spool.folder, { recursive: true });
  expect(running.status()).toEqual({ files: 0, taken: 0, rejected: 0 });
  await running.takeIn();
  expect(statSync(spool.folder).mode & 0o777).toBe(0o700);
  spool.append("a.jsonl", { command: "ls" });
  await running.takeIn();
  expect(spool.commands()).toEqual(["ls"]);
});
