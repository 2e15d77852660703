import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fields } from "../../daemon/core/record.ts";
import type { HistoryFilter } from "../../daemon/store/filters.ts";
import { createTestStore, entryVersion, type TestStore } from "../support/store.ts";
import { fill, filter, matches, type Row, rows } from "./arbitrary-entries.ts";

const DAY = 24 * 60 * 60 * 1000;
const NOW = 1_700_000_000_000;

let files: TestStore;
beforeAll(() => {
  files = createTestStore();
});
afterAll(() => {
  files.close();
});

const everything: HistoryFilter = { mode: "hybrid", viewer: { machineId: "machine-a", user: "ana" } };
const search = (q: string, by = everything, limit = 1000) => files.store.search.search(q, by, limit, NOW);
const ids = async (q: string, by = everything) => (await search(q, by)).map(({ id }) => id);

/** Fills the cache with these entries, named `id-0`, `id-1`, … */
function hold(...all: (Fields & { machine?: string })[]): Promise<void> {
  return fill(
    files.store,
    all.map(({ machine = "machine-a", ...fields }, index) => ({
      version: entryVersion(`id-${index}`, { timestamp: NOW, ...fields }, { machineId: machine }),
      rev: null,
      base: null,
    })),
  );
}

/** The words of a text as the index sees them. */
function words(text: string): string[] {
  const plain = text.normalize("NFD").replaceAll(/\p{M}/gu, "").toLowerCase();
  return plain.split(/[^\p{L}\p{N}]+/u).filter((each) => each !== "");
}

/** What one term of a query means, said a second time and without FTS5. */
function means(term: string, { version: { fields } }: Row): boolean {
  const texts = [fields.command, fields.response, fields.note].filter((text) => text !== null) as string[];
  const phrase = words(term);
  if (phrase.length === 0) return texts.some((text) => text.includes(term));
  const columns = [...texts.map(words), ((fields.tags ?? []) as string[]).flatMap(words)];
  return columns.some((column) =>
    column.some((_, start) =>
      phrase.every((word, index) =>
        index === phrase.length - 1
          ? column[start + index]?.startsWith(word)
          : column[start + index] === word,
      ),
    ),
  );
}

test("every search finds what its words mean, within its filter, and nothing else", async () => {
  const typed = String.raw`git gi GIT configuracao CONFIG configuração acao AÇÃO aç push pus doc
    --no-pager no-pag pager C:\x c: ; 😀 prod rede nothing l x !`;
  const term = fc.constantFrom(...typed.split(/\s+/));
  const query = fc.array(term, { minLength: 1, maxLength: 3 });
  let found = 0;
  await fc.assert(
    fc.asyncProperty(
      rows,
      fc.array(fc.tuple(query, filter), { minLength: 20, maxLength: 20 }),
      async (all, asked) => {
        await fill(files.store, all);
        for (const [terms, by] of asked) {
          const expected = all.filter((row) => matches(row, by) && terms.every((each) => means(each, row)));
          const result = await ids(terms.join(" "), by);
          expect(result.toSorted(), terms.join(" ")).toEqual(
            expected.map(({ version }) => version.id).toSorted(),
          );
          found += result.length;
        }
      },
    ),
    { numRuns: 60 },
  );
  expect(found).toBeGreaterThan(50);
});

test("an entry is found by any of its words, and by what they begin with, in any of its texts", async () => {
  const text = fc.array(
    fc.string({
      unit: fc.constantFrom("a", "á", "b", "c", "ç", "é", "A", "B", "Ç", "1", "9"),
      minLength: 1,
      maxLength: 8,
    }),
    {
      minLength: 1,
      maxLength: 8,
    },
  );
  const place = fc.constantFrom("command", "response", "note", "tags");
  await fc.assert(
    fc.asyncProperty(text, place, fc.nat(), fc.nat(), async (all, field, chosen, cut) => {
      await hold({ [field]: field === "tags" ? all : all.join(" ") });
      const word = all[chosen % all.length]!;
      const start = word.slice(0, 1 + (cut % word.length));
      for (const q of [
        word,
        start,
        start.toUpperCase(),
        start.toLowerCase(),
        start.normalize("NFD"),
        words(start)[0]!,
      ]) {
        expect(await ids(q), q).toEqual(["id-0"]);
      }
    }),
    { numRuns: 60 },
  );
});

describe("nothing that anyone types is an error", () => {
  test("whatever the characters", async () => {
    await hold({ command: "git status" });
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 60 }), async (q) => {
        await search(q);
      }),
      { numRuns: 500 },
    );
    for (const q of ["", " ", '"', '""', "*", "AND", "NOT x", "NEAR(", "a\0b", "note:x", "^", "-", "%", "'"])
      await search(q);
  });

  test("not as many terms as a query can hold", async () => {
    await hold({ command: `a ; ${"¡¢£¤¥".repeat(3)}` });
    // 4,096 bytes of terms that are all different, and none of them a word.
    const signs = Array.from({ length: 1300 }, (_, index) => String.fromCodePoint(0x2190 + index)).filter(
      (sign) => !/[\p{L}\p{N}]/u.test(sign),
    );
    expect(signs.length).toBeGreaterThan(1050);
    expect(await ids(signs.join(" "))).toEqual([]);
    expect(await ids("; ".repeat(2048))).toEqual(["id-0"]);
    expect(await ids("a ".repeat(2048))).toEqual(["id-0"]);
    await hold({ command: signs.join("") });
    expect(await ids(signs.join(" "))).toEqual(["id-0"]);
  });
});

describe("signs are text", () => {
  test.each([";", "*", "|", ">", "&&", "$(", "😀", "⚠️"])(
    "%s is found where it stands, and only there",
    async (sign) => {
      await hold(
        { command: `a ${sign} b` },
        { command: "a b" },
        { command: "x", response: `o ${sign}` },
        { command: "y", note: sign },
      );
      expect((await ids(sign)).toSorted()).toEqual(["id-0", "id-2", "id-3"]);
      expect(await ids(`a ${sign}`)).toEqual(["id-0"]);
    },
  );

  test("a term with signs inside is the phrase of its words", async () => {
    await hold({ command: "git --no-pager log" }, { command: "git pager no" }, { command: "dir C:\\x" });
    expect(await ids("--no-pager")).toEqual(["id-0"]);
    expect(await ids("C:\\x")).toEqual(["id-2"]);
    expect(await ids('"git pager"')).toEqual(["id-1"]);
  });
});

describe("what is not to be seen is not found", () => {
  test("deleted, purged and dropped entries, until a delete is undone", async () => {
    await hold(
      { command: "needle" },
      { command: "needle", deleted_at: 5 },
      { command: "needle", purged_at: 5 },
    );
    expect(await ids("needle")).toEqual(["id-0"]);
    expect(await ids("needle ;")).toEqual([]);
    await files.store.write.run((tx) => {
      const deleted = tx.records.get("history", "id-1")!;
      const fields = { ...deleted.version.fields, deleted_at: null };
      tx.records.put({ ...deleted, version: { ...deleted.version, fields } });
      tx.records.drop("history", "id-0");
    });
    expect(await ids("needle")).toEqual(["id-1"]);
  });

  test("what an edit took away", async () => {
    await hold({ command: "old words", note: "stays" });
    await files.store.write.run((tx) => {
      tx.records.put({
        version: entryVersion("id-0", { command: "new words", note: "stays" }),
        rev: null,
        base: null,
      });
    });
    expect(await Promise.all([ids("old"), ids("new"), ids("words"), ids("stays")])).toEqual([
      [],
      ["id-0"],
      ["id-0"],
      ["id-0"],
    ]);
  });
});

describe("ranking", () => {
  test("prefers the viewer's own, then everyone's, then the machine's", async () => {
    await hold(
      { command: "disk full", machine: "machine-a", user: "rui" },
      { command: "disk full", machine: "machine-b", user: "rui" },
      { command: "disk full", machine: "machine-b", user: "ana" },
    );
    const results = await search("disk");
    expect(results.map(({ id, source }) => [id, source])).toEqual([
      ["id-2", "user"],
      ["id-1", "global"],
      ["id-0", "machine"],
    ]);
    expect(results.map(({ score }) => Number(score.toFixed(6)))).toEqual([2.5, 2.3, 2.2]);
  });

  test("prefers the recent, step by step, and the newer where all else is equal", async () => {
    await hold(...[0, 2, 10, 50, 200, 1].map((days) => ({ command: "ls", timestamp: NOW - days * DAY })));
    expect(await ids("ls")).toEqual(["id-0", "id-5", "id-1", "id-2", "id-3", "id-4"]);
  });

  test("prefers a word in the command to one in the answer", async () => {
    await hold({ command: "x", response: "nginx nginx" }, { command: "nginx", response: "x x" });
    expect(await ids("nginx")).toEqual(["id-1", "id-0"]);
  });

  test("gives the best, best first, and as many as were asked for", async () => {
    await hold(
      ...Array.from({ length: 30 }, (_, index) => ({ command: "top", timestamp: NOW - index * DAY * 5 })),
    );
    const all = await search("top");
    expect(all.map(({ score }) => score)).toEqual(all.map(({ score }) => score).toSorted((a, b) => b - a));
    expect(await search("top", everything, 7)).toEqual(all.slice(0, 7));
  });
});

describe("a result", () => {
  test("is the whole entry, with the match marked in an excerpt", async () => {
    await hold({ command: `echo ${"a ".repeat(40)}needle ${"b ".repeat(40)}`, tags: ["x"], note: "n" });
    const [result] = await search("need");
    const { score, snippet, source, ...entry } = result!;
    expect(entry).toEqual(files.store.read.history.get("id-0"));
    expect(snippet).toContain("<mark>needle</mark>");
    expect(snippet.length).toBeLessThan(100);
    expect([typeof score, source]).toEqual(["number", "machine"]);
  });

  test("has an excerpt of its own text, and never of another entry's", async () => {
    await hold(
      ...Array.from({ length: 12 }, (_, index) => ({
        command: `needle number${index}`,
        timestamp: NOW - index,
      })),
      { command: "secret needle", deleted_at: 5 },
    );
    const results = await search("needle");
    expect(results.map(({ snippet }) => snippet)).toEqual(
      results.map(({ command }) => command.replace("needle", "<mark>needle</mark>")),
    );
    expect(results).toHaveLength(12);
  });

  test("of signs alone has the command's beginning for an excerpt", async () => {
    await hold({ command: `${"é".repeat(200)};` });
    expect((await search(";"))[0]?.snippet).toBe("é".repeat(120));
  });
});
