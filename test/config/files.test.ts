import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { packageRoot } from "../../client-lib/package-root.ts";
import {
  ensureMachineId,
  ensurePrivateFile,
  ensurePrivateFolder,
  homeFiles,
  prepareHome,
} from "../../daemon/config/files.ts";
import { ConfigError } from "../../daemon/config/setting.ts";
import { startProcess } from "../support/processes.ts";
import { tempDir } from "../support/temp.ts";

const ME = process.getuid!();
const isRoot = ME === 0;
const OTHER = 54_321;
let dir: string;
beforeEach(() => {
  const temp = tempDir("hd-files");
  onTestFinished(temp.remove);
  dir = temp.path;
});

const modeOf = (file: string): number => statSync(file).mode & 0o777;
const make = (name: string, mode: number): string => {
  const path = join(dir, name);
  mkdirSync(path);
  chmodSync(path, mode);
  return path;
};
const makeFile = (name: string, mode: number, content = ""): string => {
  const path = join(dir, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
};

describe("prepareHome", () => {
  it.each([0o022, 0o077, 0])("makes every folder for its user alone, whatever the umask (%d)", (mask) => {
    const before = process.umask(mask);
    onTestFinished(() => void process.umask(before));
    const files = homeFiles(join(dir, "a", "b"));
    prepareHome(files, ME);
    for (const folder of [files.home, files.spool, files.backups]) expect(modeOf(folder)).toBe(0o700);
    prepareHome(files, ME);
  });

  it.each([0o755, 0o750, 0o711, 0o701])("closes a home that others can read (%d)", (mode) => {
    const files = homeFiles(make("home", mode));
    prepareHome(files, ME);
    expect(modeOf(files.home)).toBe(0o700);
  });

  it.each([0o777, 0o722, 0o770, 0o702, 0o1777])("refuses a home that others can write (%d)", (mode) => {
    const files = homeFiles(make("home", mode));
    expect(() => prepareHome(files, ME)).toThrow(ConfigError);
    expect(() => prepareHome(files, ME)).toThrow(/home: others can write to it \(mode 07\d\d\).*chmod 700/);
    expect(existsSync(files.spool)).toBe(false);
  });

  it("refuses a spool that others can write: whatever is put there is taken in", () => {
    const files = homeFiles(make("home", 0o700));
    mkdirSync(files.spool);
    chmodSync(files.spool, 0o777);
    expect(() => prepareHome(files, ME)).toThrow(/spool: others can write to it/);
  });

  it.skipIf(!isRoot)("refuses the home of another user (skipped: needs root)", () => {
    const files = homeFiles(make("home", 0o700));
    chownSync(files.home, OTHER, OTHER);
    expect(() => prepareHome(files, ME)).toThrow(
      /belongs to user 54321, historyd runs as 0; choose another HISTORYD_HOME/,
    );
  });

  it("refuses a file in the place of a folder", () => {
    expect(() => prepareHome(homeFiles(makeFile("home", 0o600)), ME)).toThrow(ConfigError);
    expect(() => prepareHome(homeFiles(join(makeFile("file", 0o600), "home")), ME)).toThrow(
      /the folder cannot be made/,
    );
  });

  it("follows a link to a home elsewhere", () => {
    const target = make("elsewhere", 0o755);
    symlinkSync(target, join(dir, "home"));
    prepareHome(homeFiles(join(dir, "home")), ME);
    expect(modeOf(target)).toBe(0o700);
  });
});

describe("ensurePrivateFolder", () => {
  it("leaves a folder that somebody chose readable, and refuses it where others can write", () => {
    const chosen = make("run", 0o755);
    ensurePrivateFolder(chosen, ME, false);
    expect(modeOf(chosen)).toBe(0o755);
    chmodSync(chosen, 0o1777);
    expect(() => ensurePrivateFolder(chosen, ME, false)).toThrow(/others can write/);
  });
});

describe("ensurePrivateFile", () => {
  it.each([0o644, 0o640, 0o604])("closes a file that others can read (%d)", (mode) => {
    const file = makeFile("cache.db", mode);
    ensurePrivateFile(file, ME);
    expect(modeOf(file)).toBe(0o600);
  });

  it.each([0o666, 0o620, 0o602])("refuses a file that others can write (%d)", (mode) => {
    const file = makeFile("cache.db", mode);
    expect(() => ensurePrivateFile(file, ME)).toThrow(
      /cache\.db: others can write to it \(mode 06\d\d\).*chmod 600/,
    );
    expect(modeOf(file)).toBe(mode);
  });

  it("refuses what is no plain file, a link too", () => {
    expect(() => ensurePrivateFile(make("folder", 0o700), ME)).toThrow(/expected a plain file/);
    symlinkSync("/etc/passwd", join(dir, "link"));
    expect(() => ensurePrivateFile(join(dir, "link"), ME)).toThrow(/expected a plain file/);
  });

  it("has nothing to say of a file that is not there", () => {
    expect(() => ensurePrivateFile(join(dir, "none"), ME)).not.toThrow();
  });

  it.skipIf(!isRoot)("refuses the file of another user (skipped: needs root)", () => {
    const file = makeFile("cache.db", 0o600);
    chownSync(file, OTHER, OTHER);
    expect(() => ensurePrivateFile(file, ME)).toThrow(/belongs to user 54321, historyd runs as 0/);
  });
});

describe("the machine id", () => {
  const idFile = (): string => join(dir, "machine-id");
  const newId = (): string => "new-id";

  it("is made once, in a private file", () => {
    expect(ensureMachineId(idFile(), newId)).toBe("new-id");
    expect(readFileSync(idFile(), "utf8")).toBe("new-id\n");
    expect(modeOf(idFile())).toBe(0o600);
    expect(ensureMachineId(idFile(), () => "another")).toBe("new-id");
  });

  it("is whole or not there after a crash while it is made", async () => {
    // No file may grow: the first byte that is written ends the process, as a crash would.
    const module = JSON.stringify(join(packageRoot, "dist/daemon/config/files.js"));
    const script = `const { ensureMachineId } = await import(${module}); ensureMachineId(process.argv[1], () => "lost");`;
    const { exited } = await startProcess("sh", [
      "-c",
      'ulimit -c 0; ulimit -f 0; exec "$@"',
      "sh",
      process.execPath,
      "--input-type=module",
      "-e",
      script,
      idFile(),
    ]);
    expect(await exited).not.toMatchObject({ code: 0 });
    expect(ensureMachineId(idFile(), newId)).toBe("new-id");
    expect(readdirSync(dir)).toEqual(["machine-id"]);
  });

  it("is not written over where somebody else makes it at the same time", () => {
    const id = ensureMachineId(idFile(), () => {
      makeFile("machine-id", 0o600, "theirs\n");
      return "ours";
    });
    expect([id, readFileSync(idFile(), "utf8")]).toEqual(["theirs", "theirs\n"]);
    expect(readdirSync(dir)).toEqual(["machine-id"]);
  });

  it.each([
    "host-1",
    "0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33\n",
    " 8d969eef6ecad3c2 \r\n",
    "a.b:c_d",
    "x".repeat(128),
  ])("is what the assistant wrote before: %j", (content) => {
    makeFile("machine-id", 0o644, content);
    expect(ensureMachineId(idFile(), newId)).toBe(content.trim());
    expect(readFileSync(idFile(), "utf8")).toBe(content);
  });

  it.each(["", "\n", "two words", "a\nb", "ção", "../x", '{"id":"x"}', "x".repeat(129), "a\0b"])(
    "is refused where it is none: %j",
    (content) => {
      makeFile("machine-id", 0o600, content);
      expect(() => ensureMachineId(idFile(), newId)).toThrow(ConfigError);
      expect(() => ensureMachineId(idFile(), newId)).toThrow(/machine-id: expected one id.*remove the file/);
      expect(readFileSync(idFile(), "utf8")).toBe(content);
    },
  );
});
