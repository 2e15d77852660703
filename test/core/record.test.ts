import { gunzipSync, gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson, type Json, MAX_JSON_DEPTH } from "../../daemon/core/json.ts";
import {
  PLAIN_BODY_BYTES,
  recordToVersion,
  type SyncRecord,
  UnreadableRecordError,
  type Version,
  versionToRecord,
} from "../../daemon/core/record.ts";
import { entryVersion, stamp } from "../support/store.ts";

// Minus zero is one of JavaScript's numbers, and not one of JSON's.
const json = (fc.jsonValue() as fc.Arbitrary<Json>).map((value) => JSON.parse(JSON.stringify(value)) as Json);
const hlc = fc.tuple(fc.nat(2 ** 45), fc.nat(0xffff)).map(([ms, counter]) => stamp(ms, counter));
const time = fc.oneof(fc.constant(null), fc.nat());

const plain = { noNullPrototype: true };

const version: fc.Arbitrary<Version> = fc.record(
  {
    id: fc.uuid(),
    kind: fc.constantFrom("history", "conflict", "of-tomorrow"),
    machineId: fc.string(),
    lastEditor: fc.string(),
    hlc,
    clocks: fc.oneof(fc.constant(null), fc.dictionary(fc.string(), hlc, plain)),
    fields: fc
      .tuple(
        fc.dictionary(fc.string({ unit: "binary" }), json, plain),
        fc.record({
          scope: fc.constantFrom("global", "user", "machine"),
          user: fc.oneof(fc.constant(null), fc.string()),
          timestamp: fc.nat(),
          deleted_at: time,
          purged_at: time,
        }),
      )
      .map(([body, columns]) => ({ ...body, ...columns })),
  },
  plain,
);

/** What a body does not say is null. */
function withoutNulls(given: Version): Version {
  const columns = ["scope", "user", "timestamp", "deleted_at", "purged_at"];
  const said = Object.entries(given.fields).filter(
    ([name, value]) => value !== null || columns.includes(name),
  );
  return { ...given, fields: Object.fromEntries(said) };
}

describe("packing and unpacking", () => {
  test("give the version back", () => {
    fc.assert(
      fc.property(version, fc.oneof(fc.constant(null), fc.nat()), (given, baseRev) => {
        const record = versionToRecord(given, 1, baseRev);
        expect(record).toMatchObject({
          rev: null,
          base_rev: baseRev,
          schema: 1,
          codec: "json",
          key_id: null,
        });
        expect(recordToVersion(record)).toStrictEqual(withoutNulls(given));
      }),
    );
  });

  test("give a long one back as well, which travels compressed", () => {
    const edge = fc.integer({ min: PLAIN_BODY_BYTES - 20, max: PLAIN_BODY_BYTES + 20 });
    const letter = fc.constantFrom("a", "ã", "€", "😀", "\u0001", '"');
    fc.assert(
      fc.property(edge, letter, (bytes, char) => {
        const command = char.repeat(Math.ceil(bytes / Buffer.byteLength(char)));
        const given = entryVersion("id", { command });
        const record = versionToRecord(given, 1, null);
        expect(recordToVersion(record)).toStrictEqual(withoutNulls(given));
        const text = record.codec === "gzip" ? gunzipSync(record.body as Uint8Array).toString() : record.body;
        expect(Buffer.byteLength(text as string) > PLAIN_BODY_BYTES).toBe(record.codec === "gzip");
        expect(record.body instanceof Uint8Array).toBe(record.codec === "gzip");
      }),
      { numRuns: 40 },
    );
  });

  test("keep the columns out of the body, so that nothing is said twice", () => {
    const record = versionToRecord(entryVersion("id", { user: "ana" }), 1, null);
    const body = JSON.parse(record.body as string) as object;
    for (const name of ["scope", "user", "timestamp", "deleted_at", "purged_at", "id", "machine_id"]) {
      expect(body).not.toHaveProperty(name);
    }
    expect(record).toMatchObject({ scope: "global", user_id: "ana", timestamp: 1_700_000_000_000 });
  });

  test("make the same body and digest on every machine, whatever the order of the fields", () => {
    fc.assert(
      fc.property(version, (given) => {
        const entries = Object.entries(given.fields);
        const other = { ...given, fields: Object.fromEntries(entries.toReversed()) };
        expect(versionToRecord(other, 1, null)).toStrictEqual(versionToRecord(given, 1, null));
      }),
    );
  });
});

/** A good record, to be spoiled. */
function spoiled(change: Partial<Record<keyof SyncRecord, unknown>>): SyncRecord {
  // Another body has another digest; without one it is read as it is.
  const digest = "body" in change ? { digest: null } : {};
  return { ...versionToRecord(entryVersion("id"), 1, null), ...digest, ...change } as SyncRecord;
}

function nested(levels: number): string {
  return `{"context":${'{"a":'.repeat(levels)}1${"}".repeat(levels)}}`;
}

describe("what cannot be read", () => {
  test.each<[string, Partial<Record<keyof SyncRecord, unknown>>, RegExp]>([
    ["a body under a key we lack", { key_id: "k1" }, /key 'k1'/],
    ["no body", { body: null }, /no body/],
    ["a codec of tomorrow", { codec: "zstd" }, /codec 'zstd'/],
    ["text that should be compressed", { codec: "gzip" }, /codec 'gzip'/],
    ["bytes that should be text", { body: Buffer.from("{}") }, /codec 'json'/],
    ["damaged compression", { codec: "gzip", body: gzipSync("{}").subarray(0, 12) }, /damaged/],
    ["nothing compressed", { codec: "gzip", body: new Uint8Array() }, /damaged/],
    ["no JSON", { body: '{"command":' }, /body is not JSON/],
    ["an empty body", { body: "" }, /body is not JSON/],
    ["JSON that is no object", { body: "[]" }, /not a JSON object/],
    ["null", { body: "null" }, /not a JSON object/],
    ["a body that was changed on its way", { body: "{}", digest: "00" }, /not what its digest says/],
    ["clocks that are no JSON", { clocks: "{" }, /clocks is not JSON/],
    ["clocks that are no object", { clocks: "7" }, /not a JSON object/],
    ["a clock that is no stamp", { clocks: '{"note":5}' }, /clock of 'note'/],
    ["a version without a proper stamp", { hlc: "by hand" }, /clock 'by hand'/],
    ["a body nested deeper than anyone could write it again", { body: nested(20_000) }, /too deep/],
    ["clocks nested as deep", { clocks: nested(20_000) }, /too deep/],
  ])("is told from a fault of ours: %s", (_, change, message) => {
    expect(() => recordToVersion(spoiled(change))).toThrow(UnreadableRecordError);
    expect(() => recordToVersion(spoiled(change))).toThrow(message);
  });

  test("nesting that every reader can follow is no such fault", () => {
    expect(recordToVersion(spoiled({ body: nested(MAX_JSON_DEPTH - 1) })).fields).toHaveProperty("context");
    expect(() => recordToVersion(spoiled({ body: nested(MAX_JSON_DEPTH) }))).toThrow(UnreadableRecordError);
  });

  test("a compressed body that would fill the memory is refused", () => {
    const bomb = gzipSync(Buffer.alloc(65 * 1024 * 1024, 0x20));
    expect(bomb.length).toBeLessThan(128 * 1024);
    expect(() => recordToVersion(spoiled({ codec: "gzip", body: bomb }))).toThrow(UnreadableRecordError);
  });

  test("whatever comes is read, or refused as unreadable, and never anything else", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.json(),
      fc.constantFrom("{}", '{"__proto__":{"a":1}}'),
    );
    const bytes = fc.oneof(
      fc.uint8Array(),
      text.map((body) => gzipSync(body)),
    );
    const changes = fc.record(
      {
        hlc: fc.oneof(text, hlc),
        clocks: fc.oneof(fc.constant(null), text),
        key_id: fc.oneof(fc.constant(null), text),
        codec: fc.constantFrom("json", "gzip", "zstd", ""),
        body: fc.oneof(fc.constant(null), text, bytes),
        timestamp: fc.oneof(fc.double(), text),
        deleted_at: fc.oneof(fc.constant(null), text),
      },
      { requiredKeys: [] },
    );
    let read = 0;
    fc.assert(
      fc.property(changes, (change) => {
        try {
          const { fields } = recordToVersion(spoiled(change));
          canonicalJson(fields);
          read += 1;
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadableRecordError);
        }
      }),
      { numRuns: 500 },
    );
    expect(read).toBeGreaterThan(0);
  });
});
