import { type FSWatcher, statSync, watch } from "node:fs";
import type { Timers } from "../core/timers.ts";
import type { Log } from "../core/log.ts";
import type { Spool } from "./spool.ts";

/** Looks even when nothing was heard: files are retired by age, and a watch may miss an event. */
const LOOK_MS = 30_000;

/** Takes in the spool now and whenever something is added to it. @returns how to stop */
export function watchSpool(folder: string, spool: Spool, log: Log, timers: Timers): () => void {
  const stopping = new AbortController();
  const { signal } = stopping;
  let watcher: FSWatcher | null = null;
  let watched: string | null = null;

  async function look(): Promise<void> {
    try {
      await spool.takeIn();
      // The look makes a folder that was removed anew, and a watch ends with the folder it was on.
      if (!signal.aborted && identify(folder) !== watched) await watchAnew();
    } catch (error) {
      log.error({ err: error }, "the spool could not be read");
    }
  }

  async function watchAnew(): Promise<void> {
    watcher?.close();
    watched = identify(folder);
    try {
      watcher = watch(folder, () => void look());
      watcher.on("error", (error) => {
        log.warn({ err: error }, "the spool folder is no longer watched; it is looked at every 30 s");
      });
    } catch (error) {
      log.warn(
        { err: error },
        "the spool folder cannot be watched (fs.inotify.max_user_watches?); it is looked at every 30 s",
      );
    }
    // What came before the watch began.
    await spool.takeIn();
  }

  void (async () => {
    while (!signal.aborted) {
      await look();
      await timers.sleep(LOOK_MS, signal);
    }
  })();
  return () => {
    stopping.abort();
    watcher?.close();
  };
}

/** Which folder it is that has this path now: an inode alone is given again. */
function identify(folder: string): string | null {
  const stat = statSync(folder, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? null : `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`;
}
