import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createLog, type LogOptions } from "../../daemon/system/log.ts";
import { tempDir } from "../support/temp.ts";

type Log = ReturnType<typeof createLog>;

/** What a log writes to a file. */
function written(
  work: (log: Log) => void,
  options: (fd: number) => Partial<LogOptions> = () => ({}),
): string[] {
  const dir = tempDir("hd-log");
  onTestFinished(dir.remove);
  const file = join(dir.path, "log");
  const fd = openSync(file, "a");
  work(
    createLog({
      level: "trace",
      format: "auto",
      fd,
      isTerminal: false,
      journalStream: undefined,
      ...options(fd),
    }),
  );
  closeSync(fd);
  return readFileSync(file, "utf8").split("\n").slice(0, -1);
}

const journal = () => ({ format: "journal" as const });

describe("json", () => {
  it("is one object a line, with the time, the level and the fields", () => {
    const lines = written((log) => log.warn({ part: "sync", failures: 2 }, "words\nin two lines"));
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { level: 40, time: expect.any(Number), part: "sync", failures: 2, msg: "words\nin two lines" },
    ]);
  });

  it("leaves out what is below the level", () => {
    const lines = written(
      (log) => {
        log.debug("no");
        log.info("yes");
      },
      () => ({ level: "info" }),
    );
    expect(lines).toHaveLength(1);
  });
});

describe("journal", () => {
  it.each([
    ["fatal", 2],
    ["error", 3],
    ["warn", 4],
    ["info", 6],
    ["debug", 7],
    ["trace", 7],
  ] as const)("%s has priority %d", (level, priority) => {
    expect(written((log) => log[level]("words"), journal)).toEqual([`<${priority}>words`]);
  });

  it("has fields on the same line, and no time: the journal has its own", () => {
    const [line] = written((log) => log.info({ part: "sync", n: 1 }, "words"), journal);
    expect(line).toBe('<6>words {"part":"sync","n":1}');
  });

  it("has its priority on every line, those of a stack too", () => {
    const lines = written((log) => {
      log.error({ err: new Error("two\nlines") }, "it failed");
      log.info("a\n\nb");
    }, journal);
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.filter((line) => line !== "" && !/^<[36]>/.test(line))).toEqual([]);
    expect(lines[0]).toMatch(/^<3>it failed/);
  });
});

describe("auto", () => {
  const formatOf = (options: (fd: number) => Partial<LogOptions>): string => {
    const [line = ""] = written((log) => log.info("words"), options);
    if (line.startsWith("{")) return "json";
    return line.startsWith("<6>") ? "journal" : "pretty";
  };
  const streamOf = (fd: number): string => {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return `${dev}:${ino}`;
  };

  it("is json in a file or a pipe, pretty on a terminal", () => {
    expect(formatOf(() => ({}))).toBe("json");
    expect(formatOf(() => ({ isTerminal: true }))).toBe("pretty");
  });

  it("is for the journal only where this very stream goes there", () => {
    expect(formatOf((fd) => ({ journalStream: streamOf(fd) }))).toBe("journal");
    expect(formatOf(() => ({ journalStream: "8:12345" }))).toBe("json");
    expect(formatOf(() => ({ journalStream: "" }))).toBe("json");
  });

  it("is overruled by what was asked for", () => {
    expect(formatOf((fd) => ({ format: "json", journalStream: streamOf(fd) }))).toBe("json");
    expect(formatOf(() => ({ format: "pretty" }))).toBe("pretty");
    expect(formatOf(() => ({ format: "journal", isTerminal: true }))).toBe("journal");
  });
});

it.each(["json", "pretty", "journal"] as const)("secrets are left out by their name: %s", (format) => {
  const secret = "eyJhbGciOiJFZERTQSJ9";
  const text = written(
    (log) => {
      log.info({ token: secret, authToken: secret, auth_token: secret }, "top");
      log.info({ remote: { token: secret, auth_token: secret } }, "nested");
      log.info({ request: { headers: { authorization: `Bearer ${secret}` } } }, "headers");
    },
    () => ({ format }),
  ).join("\n");
  expect(text).not.toContain(secret);
  expect(text).toContain("[secret]");
});
