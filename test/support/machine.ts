import { join } from "node:path";
import { packageRoot } from "../../client-lib/package-root.ts";
import type { Entry } from "../../client-lib/protocol/entry.ts";
import { createHybridClock, toNode } from "../../daemon/core/hlc.ts";
import { createRecorder, type Recorder } from "../../daemon/intake/recorder.ts";
import type { SqlExecutor } from "../../daemon/remote/executor.ts";
import { createSqlRemote } from "../../daemon/remote/sql-remote.ts";
import { storedToEntry } from "../../daemon/store/history-row.ts";
import { readMigrations } from "../../daemon/store/migrate.ts";
import { openStore, type Store } from "../../daemon/store/store.ts";
import { createEngine, type CycleReport, emptyReport, type Engine } from "../../daemon/sync/engine.ts";
import { tempDir } from "./temp.ts";

export interface MachineOptions {
  id: string;
  remote: SqlExecutor;
  user?: string | null;
  now?: () => number;
  batchSize?: number;
  pageSize?: number;
  /** A home that another machine of the test left; a new one by default. */
  home?: string;
}

/** One machine of a test, in this process: a real cache on disk, the real recorder and engine, any remote. */
export interface Machine {
  readonly id: string;
  readonly home: string;
  readonly store: Store;
  readonly recorder: Recorder;
  readonly engine: Engine;
  /** Records a command. */
  add(command: string, fields?: Partial<Entry>): Promise<Entry>;
  sync(): Promise<CycleReport>;
  get(id: string): Entry | null;
  /** All live entries as this machine's cache has them, newest first. */
  entries(): Entry[];
  /** Ends without any goodbye; the home stays. */
  close(): void;
}

let serial = 0;

export function createMachine(options: MachineOptions): Machine {
  const now = options.now ?? Date.now;
  const user = options.user ?? null;
  const temp = options.home === undefined ? tempDir("historyd-machine-") : null;
  const home = options.home ?? temp!.path;
  const store = openStore({
    file: join(home, "cache.db"),
    migrations: join(packageRoot, "migrations/cache"),
    backups: join(home, "backups"),
    newIncarnation: newId,
    monotonicMs: () => performance.now(),
    clock: (meta) => {
      const last = meta.get("hlc");
      return createHybridClock({
        now,
        node: toNode(options.id, meta.get("incarnation") ?? ""),
        ...(last === null ? {} : { last }),
      });
    },
  });
  const engine = createEngine({
    remote: createSqlRemote(options.remote, readMigrations(join(packageRoot, "migrations/remote"))),
    read: store.read,
    write: store.write,
    selection: { machineId: options.id, user },
    batch: { records: options.batchSize ?? 100, bytes: 1024 * 1024 },
    page: { records: options.pageSize ?? 500, bytes: 2 * 1024 * 1024 },
    node: {
      machineId: options.id,
      incarnation: store.read.meta.get("incarnation") ?? "",
      hostname: `host-${options.id}`,
      version: "test",
    },
    newId,
    now,
    monotonicMs: () => performance.now(),
    onClockOffset: () => undefined,
  });
  const recorder = createRecorder({
    write: store.write,
    machine: { id: options.id, hostname: `host-${options.id}` },
    user,
    newId,
    now,
    onWritten: () => undefined,
  });
  return {
    id: options.id,
    home,
    store,
    recorder,
    engine,
    async add(command, fields = {}) {
      return storedToEntry((await recorder.record({ command, ...fields })).stored);
    },
    async sync() {
      const report = emptyReport();
      await engine.cycle(new AbortController().signal, report);
      return report;
    },
    get: (id) => store.read.history.get(id),
    entries: () =>
      store.read.history.list({ mode: "hybrid", viewer: { machineId: options.id, user } }, 100_000, null)
        .entries,
    close() {
      store.close();
      temp?.remove();
    },
  };
}

/** Ids in the order in which they are asked for, so that a failure reads well. */
function newId(): string {
  serial += 1;
  return `00000000-0000-7000-8000-${serial.toString(16).padStart(12, "0")}`;
}
