import { spawnSync } from "node:child_process";
import { tempDir } from "./temp.ts";

/** A file system of its own in a temporary folder, so small that a test can fill it. Needs root. */
export interface SmallDisk {
  readonly path: string;
  setReadOnly(isReadOnly: boolean): void;
  /** Unmounts it and removes the folder. Whoever has files open there must have ended. */
  readonly remove: () => void;
}

export const isRoot: boolean = process.getuid?.() === 0;

/** @param sizeBytes what it holds at most */
export function mountSmallDisk(sizeBytes: number): SmallDisk {
  const { path, remove } = tempDir("hd");
  run("mount", ["-t", "tmpfs", "-o", `size=${sizeBytes},mode=0700`, "historyd-test", path]);
  return {
    path,
    setReadOnly: (isReadOnly) => run("mount", ["-o", `remount,${isReadOnly ? "ro" : "rw"}`, path]),
    remove() {
      run("umount", [path]);
      remove();
    },
  };
}

function run(program: string, args: string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8", timeout: 10_000 });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
}
