import { describe, expect, test } from "vitest";
import { helpText, parseArguments } from "./arguments.ts";

const ROWS = ["N1", "N2", "N3"];

describe("parseArguments", () => {
  test("everything, at length, unless told otherwise", () => {
    expect(parseArguments([], ROWS)).toEqual({
      help: false,
      quick: false,
      json: false,
      cpuProfile: false,
      rounds: 5,
      rows: ROWS,
    });
  });

  test("--only picks rows, in the order of the table", () => {
    expect(parseArguments(["--only", "n3, N1"], ROWS).rows).toEqual(["N1", "N3"]);
  });

  test("--rounds goes before what --quick implies", () => {
    expect(parseArguments(["--quick"], ROWS).rounds).toBe(2);
    expect(parseArguments(["--quick", "--rounds=7"], ROWS).rounds).toBe(7);
  });

  test.each([
    { args: ["--only", "N9"], message: "expected some of N1, N2, N3, got 'N9'" },
    { args: ["--only="], message: "got ''" },
    { args: ["--rounds", "0"], message: "expected a number from 1 to 999, got '0'" },
    { args: ["--slow"], message: "'--slow'" },
    { args: ["N1"], message: "'N1'" },
  ])("$args is refused", ({ args, message }) => {
    expect(() => parseArguments(args, ROWS)).toThrow(message);
  });
});

test("the help names every option and every row", () => {
  const text = helpText(ROWS);
  for (const word of ["--quick", "--only", "--rounds", "--json", "--cpu-prof", "--help", "N1, N2, N3"]) {
    expect(text).toContain(word);
  }
});
