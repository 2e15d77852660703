import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../client-lib/package-root.ts";
import type { Entry } from "../../client-lib/protocol/entry.ts";
import { RESTORE_WINDOW_MS, TOMBSTONE_TTL_MS } from "../../client-lib/protocol/limits.ts";
import type { Reconciliation } from "../../client-lib/protocol/reconcile.ts";
import type { EngineEvent } from "../../daemon/core/events.ts";
import type { Log } from "../../daemon/core/log.ts";
import { createMachine as createIdentity } from "../../daemon/core/machine.ts";
import type { TombstoneAges } from "../../daemon/remote/remote.ts";
import { createHybridClock, toNode } from "../../daemon/core/hlc.ts";
import { createRecorder, type Recorder } from "../../daemon/intake/recorder.ts";
import type { SqlExecutor } from "../../daemon/remote/executor.ts";
import { createSqlRemote } from "../../daemon/remote/sql-remote.ts";
import { storedToEntry } from "../../daemon/store/history-row.ts";
import { readMigrations } from "../../daemon/store/migrate.ts";
import { openStore, type Store } from "../../daemon/store/store.ts";
import { createEngine, type CycleReport, emptyReport, type Engine } from "../../daemon/sync/engine.ts";
import type { ReconcileRequest } from "../../daemon/sync/reconcile.ts";
import { tempDir } from "./temp.ts";

export interface MachineOptions {
  /** Of a new home; one that exists has its own. */
  id: string;
  remote: SqlExecutor;
  user?: string | null;
  now?: () => number;
  batchSize?: number;
  pageSize?: number;
  /** Where the home is; a copy of it is somewhere else. By default the home's path. */
  host?: string;
  scopes?: readonly string[];
  kinds?: readonly string[];
  maxAgeMs?: number;
  tombstones?: TombstoneAges;
  onEvent?: (event: EngineEvent) => void;
  /** A home that another machine of the test left; a new one by default. */
  home?: string;
}

/** One machine of a test, in this process: a real cache on disk, the real recorder and engine, any remote. */
export interface Machine {
  /** As of now: a clone gets another one. */
  readonly id: string;
  readonly home: string;
  readonly store: Store;
  readonly recorder: Recorder;
  readonly engine: Engine;
  /** Records a command. */
  add(command: string, fields?: Partial<Entry>): Promise<Entry>;
  /** A cycle, and more where a first sync goes on. */
  sync(): Promise<CycleReport>;
  reconcile(request: ReconcileRequest): Promise<Reconciliation>;
  get(id: string): Entry | null;
  /** All live entries as this machine's cache has them, newest first. */
  entries(): Entry[];
  /** Ends without any goodbye; the home stays. */
  close(): void;
}

const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

function readId(home: string): string | null {
  const file = join(home, "machine-id");
  return existsSync(file) ? readFileSync(file, "utf8") : null;
}

let serial = 0;

export function createMachine(options: MachineOptions): Machine {
  const now = options.now ?? Date.now;
  const user = options.user ?? null;
  const temp = options.home === undefined ? tempDir("historyd-machine-") : null;
  const home = options.home ?? temp!.path;
  // As a daemon's home has it: whoever copies the home copies the id.
  if (readId(home) === null) writeFileSync(join(home, "machine-id"), options.id);
  let offset = 0;
  let identity = createIdentity({ id: options.id, hostname: "", incarnation: "" });
  const store = openStore({
    file: join(home, "cache.db"),
    migrations: join(packageRoot, "migrations/cache"),
    backups: join(home, "backups"),
    newIncarnation: newId,
    monotonicMs: () => performance.now(),
    clock: (meta) => {
      const last = meta.get("hlc");
      const incarnation = meta.get("incarnation") ?? "";
      offset = meta.number("clock_offset_ms");
      identity = createIdentity({
        id: readId(home) ?? options.id,
        hostname: `host-${options.id}`,
        incarnation,
      });
      return createHybridClock({
        now: () => now() + offset,
        node: toNode(identity.id, incarnation),
        ...(last === null ? {} : { last }),
      });
    },
  });
  const engine = createEngine({
    remote: createSqlRemote(options.remote, readMigrations(join(packageRoot, "migrations/remote"))),
    read: store.read,
    write: store.write,
    machine: identity,
    host: options.host ?? home,
    version: "test",
    selection: {
      user,
      scopes: options.scopes ?? null,
      kinds: options.kinds ?? null,
      maxAgeMs: options.maxAgeMs ?? null,
    },
    batch: { records: options.batchSize ?? 100, bytes: 1024 * 1024 },
    page: { records: options.pageSize ?? 500, bytes: 2 * 1024 * 1024 },
    tombstones: options.tombstones ?? { contentMs: RESTORE_WINDOW_MS, recordMs: TOMBSTONE_TTL_MS },
    newId,
    now,
    monotonicMs: () => performance.now(),
    log: silent,
    onClockOffset: (ms) => {
      // As the daemon's clock does: less may as well be the network's delay.
      offset = Math.abs(ms) < 2000 ? 0 : ms;
    },
    onEvent: (event) => {
      if (event.type === "identity") writeFileSync(join(home, "machine-id"), event.machine_id);
      options.onEvent?.(event);
    },
  });
  const recorder = createRecorder({
    write: store.write,
    machine: identity,
    user,
    newId,
    now: () => now() + offset,
    onWritten: () => undefined,
  });
  return {
    get id() {
      return identity.id;
    },
    home,
    store,
    recorder,
    engine,
    async add(command, fields = {}) {
      return storedToEntry((await recorder.record({ command, ...fields })).stored);
    },
    async sync() {
      const report = emptyReport();
      do await engine.cycle(new AbortController().signal, report);
      while (report.firstSync !== null);
      return report;
    },
    reconcile: (request) => engine.reconcile(request, new AbortController().signal),
    get: (id) => store.read.history.get(id),
    entries: () =>
      store.read.history.list({ mode: "hybrid", viewer: { machineId: identity.id, user } }, 100_000, null)
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
