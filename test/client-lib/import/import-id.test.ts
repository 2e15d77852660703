import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assignTimestamps } from "../../../client-lib/import/assign-timestamps.ts";
import { parseBashHistory } from "../../../client-lib/import/bash.ts";
import { importId, withImportIds } from "../../../client-lib/import/import-id.ts";
import { UUID } from "uuidv7";
import { seconds, shellCommand } from "./arbitraries.ts";
import { writeBash } from "./writers.ts";

const ORIGIN = { machineId: "0190163d-8694-739b-aea5-966c26f8ad91", shell: "bash" } as const;
const LS = { ...ORIGIN, command: "ls", timestamp: 1_700_000_000_000, ordinal: 0 };
const idsOf = (text: string) =>
  withImportIds(parseBashHistory(Buffer.from(text)).commands, ORIGIN).map((c) => c.id);

describe("importId", () => {
  it("stays what it is: another value would import every history a second time", () => {
    expect(importId(LS)).toMatchInlineSnapshot(`"018bcfe5-6800-7a14-890e-8c274289359e"`);
    expect(importId({ ...LS, timestamp: null })).toMatchInlineSnapshot(
      `"00000000-0000-7b11-8845-91d34fbf8bdd"`,
    );
  });

  it("is a version 7 UUID with the command's time", () => {
    const anyTime = fc.option(fc.integer({ min: 1, max: 2 ** 48 - 1 }));
    fc.assert(
      fc.property(anyTime, fc.string({ unit: "binary" }), fc.nat(), (timestamp, command, ordinal) => {
        const id = importId({ ...ORIGIN, command, timestamp, ordinal });
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(UUID.parse(id).getVersion()).toBe(7);
        expect(Number.parseInt(id.replace("-", "").slice(0, 12), 16)).toBe(timestamp ?? 0);
      }),
    );
  });

  it("differs when any part of the identity does", () => {
    const others = [
      LS,
      { ...LS, machineId: "another" },
      { ...LS, shell: "zsh" as const },
      { ...LS, command: "ls " },
      { ...LS, timestamp: 1_700_000_000_001 },
      { ...LS, timestamp: null },
      { ...LS, ordinal: 1 },
    ];
    expect(new Set(others.map((identity) => importId(identity).slice(14))).size).toBe(others.length);
  });

  it.each([-1, 1.5, 2 ** 48, Number.NaN])("refuses the time %s", (timestamp) => {
    expect(() => importId({ ...LS, timestamp })).toThrow(RangeError);
  });
});

describe("withImportIds", () => {
  it("gives each of several identical commands an id of its own", () => {
    const ids = idsOf("ls\nls\n#1700000000\nls\n#1700000000\nls\nls\n");
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("gives the same ids again, also when the file has grown", () => {
    const entry = fc.record({
      command: shellCommand.filter((text) => !/^#\d+$/m.test(text)),
      seconds: fc.option(seconds),
    });
    fc.assert(
      fc.property(fc.array(entry), fc.array(entry), (before, more) => {
        const stamped = more.map((e) => ({ ...e, seconds: e.seconds ?? 1 }));
        const first = idsOf(writeBash(before).toString());
        const second = idsOf(writeBash([...before, ...stamped]).toString());
        expect(second.slice(0, first.length)).toEqual(first);
        expect(new Set(second).size).toBe(second.length);
      }),
    );
  });

  it("does not depend on guessed times", () => {
    const commands = withImportIds(parseBashHistory(Buffer.from("ls\npwd\n")).commands, ORIGIN);
    const monday = assignTimestamps(commands, 1_700_000_000_000);
    const friday = assignTimestamps(commands, 1_700_400_000_000);
    expect(monday.map((c) => c.id)).toEqual(friday.map((c) => c.id));
    expect(monday.map((c) => c.timestamp)).not.toEqual(friday.map((c) => c.timestamp));
  });
});
