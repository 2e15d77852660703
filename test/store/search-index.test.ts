import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createTestStore, entryVersion, type TestStore } from "../support/store.ts";
import { tempDir, type TempDir } from "../support/temp.ts";

// Rows are indexed some time after they were written. Nobody who searches may notice.

let temp: TempDir;
let files: TestStore;
beforeEach(() => {
  temp = tempDir("historyd-index");
  files = createTestStore({ home: temp.path });
});
afterEach(() => {
  files.close();
  temp.remove();
});

const found = async (q: string) =>
  (
    await files.store.search.search(q, { mode: "global", viewer: { machineId: "m", user: null } }, 100, 0)
  ).map(({ id }) => id);
const put = (id: string, command: string) =>
  files.store.write.run((tx) => {
    tx.records.put({ version: entryVersion(id, { command }), rev: null, base: null });
  });

test("what was acknowledged is found at once, however much of it there is", async () => {
  await files.store.write.run((tx) => {
    for (let number = 0; number < 1300; number++) {
      const version = entryVersion(`id-${number}`, { command: `word${number}x` });
      tx.records.put({ version, rev: null, base: null });
    }
  });
  expect(files.store.read.searchIndex.lag()).toBe(1300);
  for (const number of [0, 511, 512, 1299]) expect(await found(`word${number}x`)).toEqual([`id-${number}`]);
  expect(files.store.read.searchIndex.lag()).toBe(0);
});

test("what was not indexed when the daemon ended is found by the next one", async () => {
  await put("one", "needle");
  expect(files.store.read.searchIndex.lag()).toBe(1);
  files.close();
  files = createTestStore({ home: temp.path });
  expect(await found("needle")).toEqual(["one"]);
});

test("what was edited or dropped before it was indexed is found as it is now", async () => {
  await put("one", "old words");
  await put("one", "new words");
  await put("two", "words");
  await files.store.write.run((tx) => {
    tx.records.drop("history", "two");
  });
  expect([await found("old"), await found("new"), await found("words")]).toEqual([[], ["one"], ["one"]]);
});

test("an entry that takes the place of the newest, which was dropped, is found", async () => {
  await put("one", "first");
  expect(await found("first")).toEqual(["one"]);
  await files.store.write.run((tx) => {
    tx.records.drop("history", "one");
  });
  await put("two", "second");
  expect([await found("first"), await found("second")]).toEqual([[], ["two"]]);
});

describe("rows that take earlier places than what is indexed", () => {
  const putAt = (place: number, command: string) =>
    files.store.write.run((tx) => {
      const version = entryVersion(`late-${place}`, { command });
      tx.records.put({ version, rev: null, base: null }, place);
    });
  beforeEach(async () => {
    await files.store.write.run((tx) => tx.records.reservePlaces(2000));
    await put("one", "first");
    await found("first");
  });

  test("are found at once, however many lots they make", async () => {
    await files.store.write.run((tx) => {
      for (let place = 1; place <= 1300; place++) {
        const version = entryVersion(`late-${place}`, { command: `word${place}x` });
        tx.records.put({ version, rev: null, base: null }, place);
      }
    });
    expect(files.store.read.searchIndex.lag()).toBe(1300);
    for (const place of [1, 1000, 1001, 1300]) {
      expect(await found(`word${place}x`)).toEqual([`late-${place}`]);
    }
    expect(files.store.read.searchIndex.lag()).toBe(0);
  });

  test("are found as they are where they were edited or dropped before", async () => {
    await putAt(7, "old words");
    await putAt(8, "words");
    await files.store.write.run((tx) => {
      const version = entryVersion("late-7", { command: "new words" });
      tx.records.put({ version, rev: null, base: null });
      tx.records.drop("history", "late-8");
    });
    expect([await found("old"), await found("new"), await found("words")]).toEqual([
      [],
      ["late-7"],
      ["late-7"],
    ]);
  });

  test("are found while the index cannot be written", async () => {
    await putAt(7, "needle");
    const other = new Database(files.file);
    other.exec("BEGIN IMMEDIATE");
    expect(await found("needle")).toEqual(["late-7"]);
    expect(files.store.read.searchIndex.lag()).toBe(1);
    other.close();
  });
});

describe("while another process holds the write lock", () => {
  let other: Database.Database;
  beforeEach(async () => {
    await put("one", "indexed needle");
    await found("needle");
    const version = entryVersion("two", { command: "ls", note: "the needle of Ação", tags: ["tagged"] });
    await files.store.write.run((tx) => {
      tx.records.put({ version, rev: null, base: null });
    });
    await put("three", "other words ;");
    other = new Database(files.file);
    other.exec("BEGIN IMMEDIATE");
  });
  afterEach(() => {
    other.close();
  });

  test.each<[string, string[]]>([
    ["needle", ["one", "two"]],
    ["acao needle", ["two"]],
    ['"needle of"', ["two"]],
    ["needle-of", ["two"]],
    ["tag", ["two"]],
    ["words ;", ["three"]],
    [";", ["three"]],
    ["nothing", []],
  ])("a search finds what is not indexed yet, and does not wait for long: %s", async (q, expected) => {
    const start = performance.now();
    expect((await found(q)).toSorted()).toEqual(expected.toSorted());
    expect(performance.now() - start).toBeLessThan(2000);
    expect(files.store.read.searchIndex.lag()).toBe(2);
  });

  test("its snippet and its filter are those of any result", async () => {
    const viewer = { machineId: "m", user: null };
    const [result] = await files.store.search.search("acao", { mode: "global", viewer }, 10, 0);
    expect(result?.snippet).toBe("the needle of <mark>Ação</mark>");
    expect(await files.store.search.search("acao", { mode: "global", viewer, tag: "x" }, 10, 0)).toEqual([]);
  });

  test("what is written once it is free is indexed", async () => {
    await found("needle");
    other.exec("ROLLBACK");
    await put("four", "needle");
    expect(await found("needle")).toContain("four");
    expect(files.store.read.searchIndex.lag()).toBe(0);
  });
});

test("a search answers when the disk takes no more", async () => {
  await put("one", "needle");
  const full = new Database(files.file);
  full.exec("CREATE TRIGGER full BEFORE UPDATE ON search_index BEGIN SELECT RAISE(ABORT, 'disk full'); END");
  full.close();
  expect(await found("needle")).toEqual(["one"]);
});
