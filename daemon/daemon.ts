import os from "node:os";
import path from "node:path";
import type { Logger } from "pino";
import { uuidv7 } from "uuidv7";
import { packageRoot, version } from "../client-lib/package-root.ts";
import { RESTORE_WINDOW_MS, TOMBSTONE_TTL_MS } from "../client-lib/protocol/limits.ts";
import { SpoolLine } from "../client-lib/protocol/spool.ts";
import type { Config } from "./config/config.ts";
import {
  ensureMachineId,
  ensurePrivateFile,
  ensurePrivateFolder,
  type HomeFiles,
  homeFiles,
  prepareHome,
  replaceMachineId,
} from "./config/files.ts";
import { createEventBus, type DaemonEvent, type EventBus, type Written } from "./core/events.ts";
import { createHybridClock, toNode } from "./core/hlc.ts";
import { createMachine, type ReplaceableMachine } from "./core/machine.ts";
import { createServer } from "./http/server.ts";
import { listen } from "./http/socket.ts";
import { createValidation } from "./http/validation.ts";
import { createRecorder } from "./intake/recorder.ts";
import { watchSpool } from "./intake/spool-watch.ts";
import { createSpool } from "./intake/spool.ts";
import { watchNetwork } from "./system/network-watch.ts";
import { createLibsqlExecutor } from "./remote/libsql.ts";
import { createSqlRemote } from "./remote/sql-remote.ts";
import { readToken } from "./remote/token.ts";
import { storedToEntry } from "./store/history-row.ts";
import { lockHome } from "./store/lock.ts";
import type { MetaReads } from "./store/meta.ts";
import { readMigrations } from "./store/migrate.ts";
import { openStore, type Store } from "./store/store.ts";
import { createEngine } from "./sync/engine.ts";
import { createSyncOff } from "./sync/off.ts";
import { createSyncService, type SyncService } from "./sync/service.ts";
import { hostOf } from "./system/host.ts";
import { createWallClock, systemTimers, type WallClock } from "./system/time.ts";
import { createTeardown } from "./system/teardown.ts";

export interface DaemonOptions {
  config: Config;
  log: Logger;
  pid: number;
  userId: number;
  nodeVersion: string;
  memory: () => { rss: number; heapUsed: number };
}

export interface Daemon {
  /** Ends in the reverse order of the start: requests under way are answered, what was acknowledged is on disk. */
  stop(): Promise<void>;
}

/**
 * Starts every part, in the order in which they need one another, and resolves when the socket answers.
 * @throws ConfigError, StorageError, SocketError; what was started by then is stopped again
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { config, log } = options;
  const teardown = createTeardown();
  const stop = (): Promise<void> =>
    teardown.run((name, error) => {
      log.error({ err: error }, `${name} did not stop cleanly`);
    });
  try {
    await start(options, teardown.add);
  } catch (error) {
    await stop();
    throw error;
  }
  log.info(
    { version, socket: config.socket, home: config.home, remote: config.remote?.url ?? null },
    "historyd is ready",
  );
  return { stop };
}

async function start(
  { config, log, pid, userId, nodeVersion, memory }: DaemonOptions,
  onStop: (name: string, stop: () => Promise<void> | void) => void,
): Promise<void> {
  const startedAt = Date.now();
  // The wall clock can be set meanwhile.
  const startedMonotonicMs = performance.now();

  const files = homeFiles(config.home);
  prepareHome(files, userId);
  ensurePrivateFolder(path.dirname(config.socket), userId, config.ownsSocketFolder);
  for (const file of [files.cache, files.machineId]) ensurePrivateFile(file, userId);
  const lock = lockHome(files.lock, pid);
  onStop("the lock", lock.release);

  const { store, wallClock, machine } = openCache(files, log);
  onStop("the cache", store.close);
  const { now } = wallClock;

  const events = createEventBus<DaemonEvent>((error) => {
    log.error({ err: error }, "a listener of events failed");
  });
  const sync = createSync({ config, files, store, machine, wallClock, events, log });
  const onWritten = (written: Written): void => {
    sync.notice();
    events.publish({ type: "written", ...written });
  };
  const recorder = createRecorder({
    write: store.write,
    machine,
    user: config.user,
    newId: uuidv7,
    now,
    onWritten,
  });
  const validation = createValidation();
  const checkLine = validation.checker(SpoolLine, "line");
  const spool = createSpool({
    folder: files.spool,
    recorder,
    write: store.write,
    positions: store.read.spoolFiles,
    check: (value) => {
      const checked = checkLine(value);
      return "problem" in checked ? checked : { entry: checked.value.entry };
    },
    onWritten,
    now: Date.now,
    log: log.child({ part: "spool" }),
  });
  onStop("the spool", spool.stop);

  const server = await createServer({
    log: log.child({ part: "http" }),
    validation,
    recorder,
    history: store.read.history,
    conflicts: store.read.conflicts,
    audit: store.read.audit,
    search: store.search,
    perspective: {
      get machineId() {
        return machine.id;
      },
      user: config.user,
      mode: config.mode,
    },
    toEntry: storedToEntry,
    sync,
    events,
    version,
    pid,
    uptimeMs: () => Math.round(performance.now() - startedMonotonicMs),
    now,
    timers: systemTimers,
    ownStatus: () => {
      const { path: file, schemaVersion, size, walSize } = store.info();
      const { rss, heapUsed } = memory();
      return {
        started_at: startedAt,
        node: nodeVersion,
        home: config.home,
        socket: config.socket,
        log_level: log.level,
        machine: {
          id: machine.id,
          hostname: machine.hostname,
          former_id: store.read.meta.get("former_machine_id"),
        },
        user: config.user,
        mode: config.mode,
        cache: { path: file, schema_version: schemaVersion, size, wal_size: walSize },
        spool: spool.status(),
        memory: { rss, heap_used: heapUsed },
      };
    },
  });
  onStop("the server", () => server.close());
  await listen(server, config.socket);

  onStop("the spool's watch", watchSpool(files.spool, spool, log.child({ part: "spool" }), systemTimers));
  // Stopped before the server: requests that wait for a cycle are answered, and the server can close.
  onStop("sync", sync.stop);
  sync.start();
  const watching = new AbortController();
  onStop("the network's watch", () => {
    watching.abort();
  });
  void watchNetwork(systemTimers, sync.networkChanged, watching.signal);
}

interface Cache {
  store: Store;
  wallClock: WallClock;
  machine: ReplaceableMachine;
}

function openCache(files: HomeFiles, log: Logger): Cache {
  const wallClock = createWallClock(0);
  const hostname = os.hostname();
  let machine = createMachine({ id: ensureMachineId(files.machineId, uuidv7), hostname, incarnation: "" });
  const store = openStore({
    file: files.cache,
    migrations: path.join(packageRoot, "migrations/cache"),
    backups: files.backups,
    newIncarnation: uuidv7,
    monotonicMs: () => performance.now(),
    clock: (meta) => {
      wallClock.correct(meta.number("clock_offset_ms"));
      const incarnation = meta.get("incarnation") ?? "";
      machine = createMachine({ id: finishReplacing(files, meta, machine.id), hostname, incarnation });
      const last = meta.get("hlc");
      return createHybridClock({
        now: wallClock.now,
        node: toNode(machine.id, incarnation),
        ...(last === null ? {} : { last }),
      });
    },
    onMigrated: ({ from, to, backup }) => {
      if (from > 0) log.info({ from, to, backup }, `the cache was migrated from schema ${from} to ${to}`);
    },
  });
  return { store, wallClock, machine };
}

/** The cache knows a new identity first; a crash may have come before the file had it. */
function finishReplacing(files: HomeFiles, meta: MetaReads, idInFile: string): string {
  const id = meta.get("machine_id");
  if (id === null || meta.get("former_machine_id") !== idInFile) return idInFile;
  replaceMachineId(files.machineId, idInFile, id);
  return id;
}

function createSync({
  config,
  files,
  store,
  machine,
  wallClock,
  events,
  log,
}: Cache & {
  config: Config;
  files: HomeFiles;
  events: EventBus<DaemonEvent>;
  log: Logger;
}): SyncService {
  if (config.remote === null) {
    return createSyncOff(
      store.read,
      "sync is off: no remote is configured (set TURSO_DATABASE_URL, or remote.url in config.json), or sync.enabled is false",
    );
  }
  const { url, token } = config.remote;
  const executor = createLibsqlExecutor({
    url,
    token: () => readToken(token),
    timeoutMs: config.sync.requestTimeoutMs,
  });
  const remote = createSqlRemote(executor, readMigrations(path.join(packageRoot, "migrations/remote")));
  const engine = createEngine({
    remote,
    read: store.read,
    write: store.write,
    machine,
    host: hostOf(config.home),
    version,
    selection: { user: config.user, ...config.sync },
    batch: { records: config.sync.batchSize, bytes: 1024 * 1024 },
    // Well under the 10 MB that a server answers with, also where the last record is one at its limits.
    page: { records: 500, bytes: 2 * 1024 * 1024 },
    tombstones: { contentMs: RESTORE_WINDOW_MS, recordMs: TOMBSTONE_TTL_MS },
    newId: uuidv7,
    now: Date.now,
    monotonicMs: () => performance.now(),
    log: log.child({ part: "sync" }),
    onClockOffset: wallClock.correct,
    onEvent: (event) => {
      if (event.type === "identity" && event.former_machine_id !== null)
        replaceMachineId(files.machineId, event.former_machine_id, event.machine_id);
      events.publish(event);
    },
  });
  const service = createSyncService({
    engine,
    read: store.read,
    log: log.child({ part: "sync" }),
    timers: systemTimers,
    random: Math.random,
    now: Date.now,
    remote: url,
    intervalMs: config.sync.intervalMs,
    quickRetries: config.sync.retryAttempts,
    automatic: config.sync.automatic,
    onChange: () => {
      events.publish({ type: "sync" });
    },
  });
  return {
    ...service,
    async stop() {
      await service.stop();
      remote.close();
    },
  };
}
