import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "vitest";
import { packageRoot } from "../../client-lib/package-root.ts";
import { bareEnv, type DaemonOptions, daemonProgram, startDaemon, type TestDaemon } from "./daemon.ts";
import { type Doom, lastWords } from "./kill-points.ts";
import { type Running, startProcess, waitFor } from "./processes.ts";

/** A daemon that can be told to kill itself at a named point. */
export interface MortalDaemon extends TestDaemon {
  /** From now on what it does counts. */
  arm(doom: Doom): void;
  readonly isArmed: boolean;
  /** Resolves when it was killed at its point. @throws where it lives on, or ended in another way */
  died(): Promise<void>;
}

/** `NODE_OPTIONS` that load a file of `test/support`, as compiled, before the program's own. */
export function preload(name: "kill-preload" | "clock-preload"): string {
  return `--import=${pathToFileURL(join(packageRoot, `dist/test/support/${name}.js`)).href}`;
}

const doomFile = (home: string): string => join(home, "doom");

function mortalEnv(home: string, env: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { NODE_OPTIONS = "", ...rest } = env;
  return {
    ...rest,
    NODE_OPTIONS: `${preload("kill-preload")} ${NODE_OPTIONS}`,
    KILL_FILE: doomFile(home),
  };
}

function writeDoom(home: string, doom: Doom): void {
  writeFileSync(`${doomFile(home)}.new`, JSON.stringify(doom));
  renameSync(`${doomFile(home)}.new`, doomFile(home));
}

/** Starts a daemon that lives until it is armed. Its home folder must be given: somebody goes on with it. */
export async function startMortal(options: DaemonOptions & { readonly home: string }): Promise<MortalDaemon> {
  const { home, env } = options;
  rmSync(doomFile(home), { force: true });
  const daemon = await startDaemon({ ...options, env: mortalEnv(home, env) });
  let armed: Doom | null = null;
  return {
    ...daemon,
    arm(doom) {
      armed = doom;
      writeDoom(home, doom);
    },
    get isArmed() {
      return armed !== null;
    },
    async died() {
      if (armed === null) throw new Error("expected a daemon that was armed");
      await expectDeath(daemon.process, armed);
    },
  };
}

/** Starts a daemon that dies on the way to its first answer, and waits until it did. */
export async function dieAtStart(doom: Doom, home: string): Promise<void> {
  writeDoom(home, doom);
  const running = await startProcess(process.execPath, [daemonProgram], {
    env: bareEnv(home, mortalEnv(home)),
  });
  try {
    await expectDeath(running, doom);
  } finally {
    await running.stop("SIGKILL");
    rmSync(doomFile(home), { force: true });
  }
}

async function expectDeath(running: Running, doom: Doom): Promise<void> {
  const exit = await waitFor(() => running.exit, { what: `its death: ${doom.work}, ${doom.point}` });
  expect({ ...exit, said: running.stderr.at(-1) }).toEqual({
    code: null,
    signal: "SIGKILL",
    said: lastWords(doom),
  });
}
