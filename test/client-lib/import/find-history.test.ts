import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findHistoryFiles } from "../../../client-lib/import/find-history.ts";

let home = "";
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "historyd-find-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

async function touch(name: string): Promise<string> {
  const path = join(home, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, "ls\n");
  await utimes(path, 1_700_000_000, 1_700_000_000);
  return path;
}

const found = async (places: Parameters<typeof findHistoryFiles>[0]) =>
  (await findHistoryFiles(places)).map(({ path, shell }) => [path.slice(home.length + 1), shell]);

describe("findHistoryFiles", () => {
  it("lists HISTFILE first, then bash, zsh and fish", async () => {
    const histfile = await touch("work/my-history");
    const bash = await touch(".bash_history");
    await touch(".local/share/fish/fish_history");
    await touch(".zsh_history");
    expect(await found({ histfile, home })).toEqual([
      ["work/my-history", null],
      [".bash_history", "bash"],
      [".zsh_history", "zsh"],
      [".local/share/fish/fish_history", "fish"],
    ]);
    expect((await findHistoryFiles({ home }))[0]).toEqual({
      path: bash,
      shell: "bash",
      sizeBytes: 3,
      modifiedMs: 1_700_000_000_000,
    });
  });

  it("looks for fish under XDG_DATA_HOME, if that is an absolute path", async () => {
    await touch("data/fish/fish_history");
    await touch(".local/share/fish/fish_history");
    expect(await found({ home, xdgDataHome: join(home, "data") })).toEqual([
      ["data/fish/fish_history", "fish"],
    ]);
    expect(await found({ home, xdgDataHome: "data" })).toEqual([[".local/share/fish/fish_history", "fish"]]);
    expect(await found({ xdgDataHome: join(home, "data") })).toEqual([["data/fish/fish_history", "fish"]]);
  });

  it("lists a file once, whatever leads to it", async () => {
    const histfile = await touch(".bash_history");
    await symlink(histfile, join(home, ".zsh_history"));
    expect(await found({ histfile, home })).toEqual([[".bash_history", null]]);
  });

  it("passes over devices, folders, broken links and relative paths", async () => {
    await symlink("/dev/null", join(home, ".bash_history"));
    await symlink(join(home, "gone"), join(home, ".zsh_history"));
    await mkdir(join(home, ".zhistory"));
    expect(await found({ histfile: "/dev/null", home })).toEqual([]);
    expect(await found({ histfile: ".histfile", home: ".", xdgDataHome: "" })).toEqual([]);
    expect(await found({})).toEqual([]);
  });
});
