import * as fc from "fast-check";
import { expect, test } from "vitest";
import { UUID_PATTERN } from "../../client-lib/protocol/schema.ts";
import { partsToUuid } from "../../daemon/core/uuid.ts";

const parts = fc.array(fc.oneof(fc.string(), fc.integer()));

test("the id is a UUID of version 8, and the same for the same parts", () => {
  fc.assert(
    fc.property(parts, (some) => {
      const id = partsToUuid(some);
      expect(id).toMatch(new RegExp(UUID_PATTERN));
      expect(id).toMatch(/^.{14}8.{4}[89ab]/);
      expect(partsToUuid([...some])).toBe(id);
    }),
  );
});

test("other parts, or the same ones cut elsewhere, make another id", () => {
  fc.assert(
    fc.property(parts, parts, (a, b) => {
      expect(partsToUuid(a) === partsToUuid(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
    }),
  );
  expect(partsToUuid(["a", "bc"])).not.toBe(partsToUuid(["ab", "c"]));
  expect(partsToUuid([1])).not.toBe(partsToUuid(["1"]));
});

test("the id of known parts never changes: entries were stored under it", () => {
  expect(partsToUuid(["spool.jsonl", 42, 0])).toMatchInlineSnapshot(`"ca30e73c-1d12-8491-81ca-7e2e4ad023c3"`);
});
