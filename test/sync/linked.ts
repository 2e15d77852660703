import { onTestFinished } from "vitest";
import { createLibsqlExecutor } from "../../daemon/remote/libsql.ts";
import { createSyncService, type SyncService } from "../../daemon/sync/service.ts";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.ts";
import { createMachine, type Machine } from "../support/machine.ts";
import { startSqld, type Sqld, type SqldOptions } from "../support/sqld.ts";
import { createVirtualTime, type VirtualTime } from "../support/virtual-time.ts";
import { createRandom } from "../simulation/random.ts";
import { EQUAL, type Line, told } from "./service-rig.ts";

export interface Linked {
  sqld: Sqld;
  proxy: FaultProxy;
  machine: Machine;
  service: SyncService;
  time: VirtualTime;
  /** What people were told, since the last look. */
  news(): string[];
  /** What the loop waited after each cycle that failed, in virtual ms, since the last look. */
  waits(): number[];
  /** Records a command, and tells the loop as the daemon does. */
  add(command: string): Promise<string>;
  /** Ids on the remote that are of entries, as another machine receives them. */
  arrived(): Promise<string[]>;
}

export interface LinkedOptions {
  sqld?: SqldOptions;
  /** Read anew for each connection. */
  token?: (sqld: Sqld) => string | null;
  /** How long a request may take on the real clock: short where a test needs it to end. */
  timeoutMs?: number;
}

/**
 * The loop of one machine on a virtual clock, with the real engine, its real cache, and a real server behind a faulty
 * network. Time passes with `time.pass`: it stands still while something is under way.
 */
export async function link(options: LinkedOptions = {}): Promise<Linked> {
  const sqld = await startSqld(options.sqld);
  onTestFinished(sqld.close);
  const proxy = await startFaultProxy({ targetPort: sqld.port });
  onTestFinished(proxy.close);
  const token = (): string | null => options.token?.(sqld) ?? null;
  const remote = createLibsqlExecutor({ url: proxy.url, token, timeoutMs: options.timeoutMs ?? 10_000 });
  const machine = createMachine({ id: "machine-a", remote });
  const time = createVirtualTime();
  const lines: Line[] = [];
  const waits: number[] = [];
  let failed = false;
  const log = (level: string) => (_fields: object, message: string) => {
    lines.push({ level, message });
  };
  const service = createSyncService({
    engine: {
      async cycle(signal, report) {
        failed = true;
        await machine.engine.cycle(signal, report);
        failed = false;
      },
      reconcile: () => Promise.resolve(EQUAL),
      mendQueue: () => Promise.resolve("nothing was done"),
    },
    read: { ...machine.store.read, reconciliations: { list: () => [] } },
    log: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") },
    timers: {
      sleep(ms, signal) {
        if (failed) waits.push(ms);
        failed = false;
        return time.timers.sleep(ms, signal);
      },
    },
    random: createRandom(7).next,
    now: time.now,
    remote: proxy.url,
    intervalMs: 30_000,
    quickRetries: 3,
    automatic: true,
    onChange: () => undefined,
  });
  onTestFinished(async () => {
    await service.stop();
    remote.close();
    machine.close();
  });
  service.start();
  return {
    sqld,
    proxy,
    machine,
    service,
    time,
    news: () => told(lines.splice(0)).map(({ level, message }) => `${level} ${message}`),
    waits: () => waits.splice(0),
    async add(command) {
      const { id } = await machine.add(command);
      service.notice();
      return id;
    },
    async arrived() {
      const direct = createLibsqlExecutor({ url: sqld.url, token, timeoutMs: 10_000 });
      const other = createMachine({ id: "machine-b", remote: direct });
      try {
        await other.sync();
        return other.entries().map(({ id }) => id);
      } finally {
        other.close();
        direct.close();
      }
    },
  };
}
