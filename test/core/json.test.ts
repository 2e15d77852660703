import * as fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson, type Json, sameJson } from "../../daemon/core/json.ts";

const json = fc.jsonValue() as fc.Arbitrary<Json>;

/** The same value, with the keys of every object written in the opposite order. */
function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
}

test("canonical text says the value, whatever the order of the keys", () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = canonicalJson(value);
      expect(canonicalJson(reversed(value))).toBe(text);
      expect(sameJson(value, reversed(value))).toBe(true);
      // Nothing is added and nothing is dropped.
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test("different values have different texts", () => {
  fc.assert(
    fc.property(json, json, (a, b) => {
      const equal = JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
      expect(canonicalJson(a) === canonicalJson(b)).toBe(equal);
      expect(sameJson(a, b)).toBe(equal);
    }),
  );
});

/** An independent canonical form: objects as sorted lists of pairs. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return ["array", ...value.map(sorted)];
  if (value === null || typeof value !== "object") return value;
  const pairs = Object.entries(value).map(([key, inner]): Json => [key, sorted(inner)]);
  return ["object", ...pairs.toSorted((a, b) => ((a as string[])[0]! < (b as string[])[0]! ? -1 : 1))];
}

test("keys are sorted by code unit, without white space", () => {
  expect(canonicalJson({ b: [1, { d: null, c: "x y" }], a: true, B: "€", "😀": 0, "～": 1 })).toBe(
    '{"B":"€","a":true,"b":[1,{"c":"x y","d":null}],"😀":0,"～":1}',
  );
});

test("the order of a list, the type of a value and a missing key are differences", () => {
  expect(sameJson([1, 2], [2, 1])).toBe(false);
  expect(sameJson("1", 1)).toBe(false);
  expect(sameJson({}, { a: null })).toBe(false);
  expect(sameJson([], {})).toBe(false);
  expect(sameJson(null, [])).toBe(false);
  expect(sameJson(0, false)).toBe(false);
});
