import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tempDir } from "./temp.ts";

test("two folders are two, are private, and are removed whatever their mode", () => {
  const [one, two] = [tempDir("tmp"), tempDir("tmp")];
  expect(one.path).not.toBe(two.path);
  expect(statSync(one.path).mode & 0o777).toBe(0o700);

  mkdirSync(join(one.path, "locked"));
  writeFileSync(join(one.path, "locked", "file"), "");
  chmodSync(join(one.path, "locked"), 0o000);
  chmodSync(one.path, 0o500);
  one.remove();
  one.remove();
  two.remove();
  expect([one.path, two.path].filter((path) => existsSync(path))).toEqual([]);
});
