import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packageRoot } from "../../client-lib/package-root.ts";
import { ERROR_CODES } from "../../client-lib/protocol/errors.ts";
import { MAX_BATCH_BODY_BYTES, MAX_ENTRY_BODY_BYTES } from "../../client-lib/protocol/limits.ts";
import { SETTINGS } from "../../daemon/config/settings.ts";
import type { Setting } from "../../daemon/config/setting.ts";

const read = (file: string): string => readFileSync(join(packageRoot, file), "utf8");

test("docs/API.md lists every error code, and no other", () => {
  const listed = [...read("docs/API.md").matchAll(/^\| `(HD_\w+)` \|/gm)].map(([, code]) => code!);
  expect(listed.toSorted()).toEqual(Object.keys(ERROR_CODES).toSorted());
});

test("docs/API.md states how large a body may be", () => {
  const inMiB = (bytes: number): string => `${bytes / 1024 / 1024} MiB`;
  const limits = `up to ${inMiB(MAX_ENTRY_BODY_BYTES)}, of a batch up to ${inMiB(MAX_BATCH_BODY_BYTES)}`;
  expect(read("docs/API.md").replaceAll(/\s+/g, " ")).toContain(limits);
});

test("the README's table names every setting with its variable, flag and default", () => {
  const rows = read("README.md").split("\n");
  for (const setting of Object.values(SETTINGS) as Setting<unknown>[]) {
    const row = rows.find((line) => line.startsWith(`| \`${setting.key}\` |`));
    expect(row, setting.key).toBeDefined();
    const names = [setting.env, setting.envAlias?.name, setting.flag && `--${setting.flag}`];
    const { fallback } = setting;
    const shown = typeof fallback === "number" || typeof fallback === "string" ? [`${fallback}`] : [];
    for (const text of [...names, ...shown].filter((one) => one !== undefined)) expect(row).toContain(text);
  }
});
