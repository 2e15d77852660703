import { expect, it } from "vitest";
import { createTeardown } from "../../daemon/system/teardown.ts";

const unexpected = (name: string, error: unknown): void => {
  throw new Error(`${name} failed`, { cause: error });
};

it("stops in the reverse of the order in which things were started, one after the other", async () => {
  const teardown = createTeardown();
  const steps: string[] = [];
  for (const name of ["first", "second", "third"]) {
    teardown.add(name, async () => {
      steps.push(`${name} begins`);
      await new Promise(setImmediate);
      steps.push(`${name} ends`);
    });
  }
  await teardown.run(unexpected);
  expect(steps).toEqual([
    "third begins",
    "third ends",
    "second begins",
    "second ends",
    "first begins",
    "first ends",
  ]);
});

it("goes on after a step that fails, and says which", async () => {
  const teardown = createTeardown();
  const stopped: string[] = [];
  const failed: [string, unknown][] = [];
  teardown.add("lock", () => void stopped.push("lock"));
  teardown.add("throws", () => {
    throw new Error("a");
  });
  teardown.add("rejects", () => Promise.reject(new Error("b")));
  teardown.add("server", () => void stopped.push("server"));
  await teardown.run((name, error) => void failed.push([name, (error as Error).message]));
  expect(stopped).toEqual(["server", "lock"]);
  expect(failed).toEqual([
    ["rejects", "b"],
    ["throws", "a"],
  ]);
});

it("stops each once, also when it is asked again meanwhile", async () => {
  const teardown = createTeardown();
  let stopped = 0;
  teardown.add("slow", async () => {
    await new Promise(setImmediate);
    stopped += 1;
  });
  await Promise.all([teardown.run(unexpected), teardown.run(unexpected)]);
  await teardown.run(unexpected);
  expect(stopped).toBe(1);
});

it("has nothing to do where nothing was started", async () => {
  await createTeardown().run(unexpected);
});
