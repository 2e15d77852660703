import type { FastifyBaseLogger, InjectOptions } from "fastify";
import type { Entry, Mode } from "../../client-lib/protocol/entry.ts";
import { createEventBus, type DaemonEvent, type EventBus } from "../../daemon/core/events.ts";
import type { Timers } from "../../daemon/core/timers.ts";
import { createServer } from "../../daemon/http/server.ts";
import type { Server } from "../../daemon/http/routes/common.ts";
import type { StatusRoutes } from "../../daemon/http/routes/status.ts";
import type { SyncRoutes } from "../../daemon/http/routes/sync.ts";
import { createValidation } from "../../daemon/http/validation.ts";
import type { SqlExecutor } from "../../daemon/remote/executor.ts";
import { storedToEntry } from "../../daemon/store/history-row.ts";
import { systemTimers } from "../../daemon/system/time.ts";
import { createSyncOff } from "../../daemon/sync/off.ts";
import type { Answer } from "../support/daemon.ts";
import { createMachine, type Machine } from "../support/machine.ts";
import { type AnswerCheck, createAnswerCheck } from "./described.ts";

/** When a test begins, ms since the epoch. */
export const START_MS = 1_700_000_000_000;

export interface ApiOptions {
  user?: string | null;
  mode?: Mode;
  /** In place of sync that is off: the whole of it, or what the test is about. */
  sync?: Partial<SyncRoutes["sync"]>;
  ownStatus?: StatusRoutes["ownStatus"];
  requestTimeoutMs?: number;
  drainMs?: number;
  timers?: Timers;
  /** What is logged as an error. */
  onError?: (fields: object) => void;
}

/** The routes on a real cache in a temporary folder, asked without a socket. `close` is a closure. */
export interface Api {
  server: Server;
  machine: Machine;
  /** What the parts of the daemon tell one another. */
  events: EventBus<DaemonEvent>;
  /** The time as the daemon sees it; the test moves it. */
  clock: { ms: number };
  /**
   * One request. A body that is no string or Buffer is sent as JSON. Every answer is held against what
   * /openapi.json says of its route and status.
   */
  call(method: Method, url: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Records an entry, and fails where that is refused. */
  add(entry: Record<string, unknown>): Promise<Entry>;
  close: () => Promise<void>;
}

type Method = NonNullable<InjectOptions["method"]>;

const silent = (): void => undefined;

export async function createApi(options: ApiOptions = {}): Promise<Api> {
  const clock = { ms: START_MS };
  const user = options.user ?? null;
  const machine = createMachine({ id: "machine-a", remote: noRemote, user, now: () => clock.ms });
  const { read } = machine.store;
  const onError = options.onError ?? silent;
  const events = createEventBus<DaemonEvent>((error) => {
    onError({ err: error });
  });
  const server = await createServer({
    log: createTestLog(onError),
    validation: createValidation(),
    recorder: machine.recorder,
    history: read.history,
    conflicts: read.conflicts,
    audit: read.audit,
    search: machine.store.search,
    perspective: { machineId: machine.id, user, mode: options.mode ?? "global" },
    toEntry: storedToEntry,
    sync: {
      ...createSyncOff({ ...read, reconciliations: { list: () => [] } }, "no remote is configured"),
      ...options.sync,
    },
    events,
    version: "1.2.3",
    pid: 42,
    uptimeMs: () => clock.ms - START_MS,
    now: () => clock.ms,
    timers: options.timers ?? systemTimers,
    ownStatus: options.ownStatus ?? (() => ownStatus(machine, user)),
    ...(options.requestTimeoutMs === undefined ? {} : { requestTimeoutMs: options.requestTimeoutMs }),
    ...(options.drainMs === undefined ? {} : { drainMs: options.drainMs }),
  });
  const check: AnswerCheck = createAnswerCheck(server.swagger());

  async function call(...[method, url, body, headers]: Parameters<Api["call"]>): Promise<Answer> {
    const raw = body === undefined || typeof body === "string" || Buffer.isBuffer(body);
    const response = await server.inject({
      method,
      url,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { payload: raw ? body : JSON.stringify(body) }),
    });
    const answer = { status: response.statusCode, body: response.json() };
    check(method, url, answer);
    return answer;
  }

  return {
    server,
    machine,
    events,
    clock,
    call,
    async add(entry) {
      const { status, body } = await call("POST", "/v1/history", entry);
      if (status !== 201) throw new Error(`expected 201, got ${status}: ${JSON.stringify(body)}`);
      return body as Entry;
    },
    async close() {
      await server.close();
      machine.close();
    },
  };
}

/** Fastify wants a whole logger; tests look at errors only. */
function createTestLog(onError: (fields: object) => void): FastifyBaseLogger {
  const error = (fields: unknown): void => {
    onError(fields as object);
  };
  const log: FastifyBaseLogger = {
    level: "info",
    fatal: error,
    error,
    warn: silent,
    info: silent,
    debug: silent,
    trace: silent,
    silent,
    child: () => log,
  };
  return log;
}

function ownStatus(machine: Machine, user: string | null) {
  const { path, schemaVersion, size, walSize } = machine.store.info();
  return {
    started_at: START_MS,
    node: "v20.0.0",
    home: machine.home,
    socket: `${machine.home}/run/historyd.sock`,
    log_level: "info",
    machine: { id: machine.id, hostname: "host-machine-a", former_id: null },
    user,
    mode: "global" as const,
    cache: { path, schema_version: schemaVersion, size, wal_size: walSize },
    spool: { files: 0, taken: 0, rejected: 0 },
    memory: { rss: 1, heap_used: 1 },
  };
}

const noRemote: SqlExecutor = {
  batch: () => Promise.reject(new Error("there is no remote")),
  script: () => Promise.reject(new Error("there is no remote")),
  close: silent,
};
