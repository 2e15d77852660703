import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestStore, type TestStore } from "../support/store.ts";

let files: TestStore;
beforeEach(() => {
  files = createTestStore();
});
afterEach(() => {
  files.close();
});

test("records leave in the order of their first change; one that changes again keeps its place", async () => {
  const id = fc.constantFrom("a", "b", "c", "d", "e");
  const step = fc.record({ add: fc.boolean(), id, at: fc.nat(1000) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.nat(6), async (steps, limit) => {
      const model: { id: string; at: number }[] = [];
      await files.store.write.run((tx) => {
        for (const each of tx.outbox.first(1000)) tx.outbox.remove(each.id);
        for (const { add, id: record, at } of steps) {
          const place = model.findIndex((item) => item.id === record);
          if (add) {
            tx.outbox.add({ kind: "history", id: record }, at);
            if (place === -1) model.push({ id: record, at });
          } else {
            tx.outbox.remove(record);
            if (place !== -1) model.splice(place, 1);
          }
        }
      });
      const { outbox } = files.store.read;
      expect(outbox.first(limit)).toEqual(
        model.slice(0, limit).map((item) => ({ kind: "history", id: item.id })),
      );
      expect(outbox.depth()).toBe(model.length);
      expect(outbox.oldest()).toBe(model[0]?.at ?? null);
    }),
  );
});

test("a place that was left is not given again", async () => {
  // Otherwise a record queued later could overtake one that waits.
  await files.store.write.run((tx) => {
    tx.outbox.add({ kind: "history", id: "first" }, 1);
    tx.outbox.add({ kind: "history", id: "last" }, 2);
    tx.outbox.remove("last");
    tx.outbox.remove("first");
    tx.outbox.add({ kind: "history", id: "second" }, 3);
    tx.outbox.add({ kind: "conflict", id: "third" }, 4);
  });
  expect(files.store.read.outbox.first(9)).toEqual([
    { kind: "history", id: "second" },
    { kind: "conflict", id: "third" },
  ]);
});
