import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { uuidv7 } from "uuidv7";
import { createLibsqlExecutor } from "../../daemon/remote/libsql.ts";
import { openForReading } from "../../daemon/store/database.ts";
import type { Engine } from "../../daemon/sync/engine.ts";
import { createSyncService } from "../../daemon/sync/service.ts";
import { systemTimers } from "../../daemon/system/time.ts";
import { createMachine } from "../support/machine.ts";
import type { RecordedEdit, RecordedEntry, Row } from "./compare.ts";
import { madeUpEntry } from "./content.ts";
import type { CacheDigest, CycleNote, WorkerOptions } from "./questions.ts";
import { digestRows } from "./compare.ts";

/** An entry of another machine that has come here. */
export interface Arrival {
  id: string;
  /** Ms since the epoch, by the one clock that all machines of this fleet share. */
  createdAt: number;
  at: number;
}

export interface FleetMachineOptions extends Omit<WorkerOptions, "mine"> {
  number: number;
  onEntry: (entry: RecordedEntry) => void;
  onEdit: (edit: RecordedEdit) => void;
  onCycle: (note: CycleNote) => void;
  onArrivals: (arrivals: Arrival[]) => void;
}

/** One machine of the fleet: the parts of the daemon that write and synchronise, and somebody who works on it. */
export interface FleetMachine {
  readonly number: number;
  /** Records the backlog. */
  prepare(): Promise<void>;
  startSync(): void;
  stopSync(): Promise<void>;
  /** Somebody works here until the signal is aborted; resolves when what was begun is on disk. */
  work(signal: AbortSignal): Promise<void>;
  pending(): number;
  /** When the last successful cycle began, ms; 0 before the first. */
  syncedSince(): number;
  rows(): Row[];
  digest(): CacheDigest;
}

/** The defaults of the daemon's settings. */
const REQUEST_TIMEOUT_MS = 15_000;
const QUICK_RETRIES = 3;

/** One in so many things done is an edit of somebody else's entry. */
const EDIT_EVERY = 10;

const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

export function createFleetMachine(options: FleetMachineOptions): FleetMachine {
  const { number } = options;
  const id = machineId(number);
  const home = join(options.home, id);
  mkdirSync(home);

  const sent = { reads: 0, writes: 0 };
  const libsql = createLibsqlExecutor({
    url: options.url,
    token: () => null,
    timeoutMs: REQUEST_TIMEOUT_MS,
  });
  const machine = createMachine({
    id,
    home,
    remote: {
      ...libsql,
      batch(...call) {
        sent[call[0] === "read" ? "reads" : "writes"] += 1;
        return libsql.batch(...call);
      },
      script(...call) {
        sent.writes += 1;
        return libsql.script(...call);
      },
    },
  });
  // Looks at the file from outside, as a person with sqlite3 would.
  const cache = openForReading(join(home, "cache.db"));
  const newest = cache.prepare<[number], { seq: number; id: string; machine: string; createdAt: number }>(
    `SELECT h.seq, h.id, m.id AS machine, h.created_at AS createdAt
     FROM history AS h JOIN machines AS m ON m.key = h.machine WHERE h.seq > ? ORDER BY h.seq`,
  );
  const all = cache
    .prepare<[], Row>("SELECT id, command, note, tags ->> 0 FROM history WHERE deleted_at IS NULL")
    .raw();
  let seenSeq = 0;
  let syncedSince = 0;
  let serial = 0;

  const engine: Engine = {
    ...machine.engine,
    async cycle(...call) {
      const start = Date.now();
      const before = { ...sent };
      let failed: string | null = null;
      try {
        await machine.engine.cycle(...call);
        syncedSince = start;
      } catch (error) {
        failed = codeOf(error);
        throw error;
      } finally {
        const end = Date.now();
        // The end of the run cuts cycles off: they neither failed nor succeeded.
        if (!call[0].aborted) {
          const [reads, writes] = [sent.reads - before.reads, sent.writes - before.writes];
          options.onCycle({ machine: number, start, end, failed, reads, writes });
        }
        noteArrivals(end);
      }
    },
  };
  const sync = createSyncService({
    engine,
    read: machine.store.read,
    log: SILENT,
    timers: systemTimers,
    random: Math.random,
    now: Date.now,
    remote: options.url,
    intervalMs: options.intervalMs,
    quickRetries: QUICK_RETRIES,
    automatic: true,
    onChange: () => undefined,
  });

  function noteArrivals(at: number): void {
    const rows = newest.all(seenSeq);
    seenSeq = rows.at(-1)?.seq ?? seenSeq;
    options.onArrivals(
      rows.filter((row) => row.machine !== id).map((row) => ({ id: row.id, createdAt: row.createdAt, at })),
    );
  }

  async function record(): Promise<void> {
    serial += 1;
    // The machine's own ids are unique in one process only.
    const entry = await machine.add(madeUpEntry(id, serial).command, {
      ...madeUpEntry(id, serial),
      id: uuidv7(),
    });
    options.onEntry({ id: entry.id, command: entry.command });
  }

  /** Each machine writes notes on the entries of one other and tags on those of a second: never twice the same field. */
  async function edit(): Promise<void> {
    const [field, column, distance] =
      Math.random() < 0.5 ? (["note", "note", 1] as const) : (["tag", "tags", 2] as const);
    const author = machineId((number + options.machines - distance) % options.machines);
    const target = cache
      .prepare<[string, string], string>(
        `SELECT h.id FROM history AS h JOIN machines AS m ON m.key = h.machine
         WHERE m.id = ? AND m.id <> ? AND h.${column} IS NULL ORDER BY h.seq DESC LIMIT 1`,
      )
      .pluck()
      .get(author, id);
    if (target === undefined) return;
    const value = `${field}-${uuidv7()}`;
    await machine.recorder.edit(target, field === "note" ? { note: value } : { tags: [value] });
    options.onEdit({ id: target, field, value });
  }

  return {
    number,
    async prepare() {
      for (let made = 0; made < options.backlog; made++) await record();
    },
    startSync: sync.start,
    stopSync: sync.stop,
    async work(signal) {
      for (;;) {
        // Exponential, as independent events are; bounded, so that nobody is silent for a whole phase.
        const pause = Math.min(4, -Math.log(1 - Math.random())) * options.recordEveryMs;
        await delay(pause, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) return;
        await (Math.random() * EDIT_EVERY < 1 ? edit() : record());
        sync.notice();
      }
    },
    pending: () => machine.store.read.outbox.depth(),
    syncedSince: () => syncedSince,
    rows: () => all.all(),
    digest() {
      const rows = all.all();
      const { parked, set_aside: setAside } = sync.status();
      return { machine: number, rows: rows.length, digest: digestRows(rows), parked, setAside };
    },
  };
}

function machineId(number: number): string {
  return `machine-${String(number).padStart(5, "0")}`;
}

function codeOf(error: unknown): string {
  if (typeof error === "object" && error !== null && "code" in error && typeof error.code === "string")
    return error.code;
  return error instanceof Error ? error.name : String(error);
}
