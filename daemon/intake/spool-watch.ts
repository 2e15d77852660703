import { watch } from "node:fs";
import type { Spool, SpoolLog } from "./spool.ts";

/** Looks even when nothing was heard: files are retired by age, and a watch may miss an event. */
const LOOK_MS = 30_000;

/** Takes in the spool now and whenever something is added to it. @returns how to stop */
export function watchSpool(folder: string, spool: Spool, log: SpoolLog): () => void {
  const look = (): void => {
    spool.takeIn().catch((error: unknown) => {
      log.error({ err: error }, "the spool could not be read");
    });
  };
  const timer = setInterval(look, LOOK_MS);
  let watcher: ReturnType<typeof watch> | null = null;
  try {
    watcher = watch(folder, look);
    watcher.on("error", (error) => {
      log.warn({ err: error }, "the spool folder is no longer watched; it is looked at every 30 s");
    });
  } catch (error) {
    log.warn(
      { err: error },
      "the spool folder cannot be watched (fs.inotify.max_user_watches?); it is looked at every 30 s",
    );
  }
  look();
  return () => {
    clearInterval(timer);
    watcher?.close();
  };
}
