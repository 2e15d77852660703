import { realpath, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import type { ShellKind } from "./shell-history.ts";

/** Where to look: values of the environment variables of the same names, which the caller has read. */
export type HistoryPlaces = {
  histfile?: string | undefined;
  home?: string | undefined;
  xdgDataHome?: string | undefined;
};

/** A history file that exists. */
export type HistoryFile = {
  path: string;
  /** Whose file stands at this place; null for HISTFILE, where `detectShell` has to look inside. */
  shell: ShellKind | null;
  sizeBytes: number;
  /** Milliseconds since the epoch; what `assignTimestamps` needs. */
  modifiedMs: number;
};

/**
 * Lists the history files of a person, best first: HISTFILE, then the usual places of bash, zsh and fish.
 *
 * Only regular files count (`HISTFILE=/dev/null` and a `.bash_history` linked to it mean "keep no history"),
 * each once, whatever links lead to it. Relative paths are passed over: they depend on the folder a
 * shell happened to start in. A file that cannot be looked at counts as absent. Reads no content.
 */
export async function findHistoryFiles(places: HistoryPlaces): Promise<HistoryFile[]> {
  const found = new Map<string, HistoryFile>();
  for (const { path, shell } of candidates(places)) {
    const file = await regularFile(path);
    if (file === null || found.has(file.realPath)) continue;
    const { sizeBytes, modifiedMs } = file;
    found.set(file.realPath, { path, shell, sizeBytes, modifiedMs });
  }
  return [...found.values()];
}

function candidates({ histfile, home, xdgDataHome }: HistoryPlaces): Pick<HistoryFile, "path" | "shell">[] {
  // The XDG specification, too, says to ignore a relative path.
  const dataHome = xdgDataHome && isAbsolute(xdgDataHome) ? xdgDataHome : home && join(home, ".local/share");
  const all: [string | undefined, string, ShellKind | null][] = [
    [histfile, "", null],
    [home, ".bash_history", "bash"],
    [home, ".zsh_history", "zsh"],
    [home, ".zhistory", "zsh"],
    [home, ".histfile", "zsh"],
    [dataHome, "zsh/history", "zsh"],
    [dataHome, "fish/fish_history", "fish"],
  ];
  return all.flatMap(([folder, name, shell]) =>
    folder && isAbsolute(folder) ? [{ path: join(folder, name), shell }] : [],
  );
}

async function regularFile(
  path: string,
): Promise<{ realPath: string; sizeBytes: number; modifiedMs: number } | null> {
  try {
    const realPath = await realpath(path);
    const info = await stat(realPath);
    return info.isFile() ? { realPath, sizeBytes: info.size, modifiedMs: Math.floor(info.mtimeMs) } : null;
  } catch {
    return null;
  }
}
