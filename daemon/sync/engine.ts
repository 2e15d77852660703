import type { Reconciliation } from "../../client-lib/protocol/reconcile.ts";
import type { CycleResult } from "../../client-lib/protocol/sync.ts";
import type { EngineEvent } from "../core/events.ts";
import type { Log } from "../core/log.ts";
import type { ReplaceableMachine } from "../core/machine.ts";
import { type PageLimits, type Remote, RemoteError, type TombstoneAges } from "../remote/remote.ts";
import type { Reads } from "../store/store.ts";
import type { Writer } from "../store/writer.ts";
import { replaySetAside } from "./apply-record.ts";
import { noChanges } from "./changes.ts";
import { createContact, type SelectionOptions } from "./contact.ts";
import { fillSlice } from "./fill.ts";
import { type BatchLimits, nextBatch } from "./push.ts";
import { createReconcile, type ReconcileRequest } from "./reconcile.ts";
import { settleStuck } from "./stuck.ts";
import { mendOutbox } from "./unsent.ts";

/**
 * How often one cycle sends again what was refused. Each time the other machine's version was merged, so that more is
 * needed only while someone else keeps writing the same record; the next cycle goes on.
 */
const MAX_ROUNDS = 5;

/** How often, at most, the remote may refuse a claim in one cycle. Each time a pull tells why, and mends it. */
const MAX_REFUSED_CLAIMS = 5;

/** How much trouble one cycle mends. More of it comes from an address behind which there are several databases. */
const MAX_MENDED = 4;

/** Without anything to send a machine reports itself this seldom. */
const HEARTBEAT_MS = 10 * 60 * 1000;

/** How often a machine asks the remote to collect; the remote sees to it that one of all does so. */
const COLLECT_MS = 24 * 60 * 60 * 1000;

export interface EngineOptions {
  remote: Remote;
  read: Reads;
  write: Writer;
  machine: ReplaceableMachine;
  /** Where this cache lives: what differs on a copy of its home. */
  host: string;
  version: string;
  selection: SelectionOptions;
  batch: BatchLimits;
  /** Records in one pulled page, and bytes of their bodies. */
  page: PageLimits;
  tombstones: TombstoneAges;
  newId: () => string;
  /** Wall clock, ms since the epoch. */
  now: () => number;
  monotonicMs: () => number;
  log: Log;
  /** Told, at each pull, what to add to this machine's clock to get the remote's, in ms. */
  onClockOffset: (offsetMs: number) => void;
  onEvent: (event: EngineEvent) => void;
}

/** A cache that is being filled, newest revisions first: from where, and what is below it has yet to come. */
export interface FillPosition {
  from: number;
  below: number;
}

/** What a cycle saw and did, filled in as it is done: also a cycle that fails has done something. */
export interface CycleReport extends CycleResult {
  serverRev: number | null;
  /** Null where nothing is left to fill. */
  firstSync: FillPosition | null;
}

export function emptyReport(): CycleReport {
  return {
    uploaded: 0,
    downloaded: 0,
    conflicts: 0,
    requests: 0,
    duration_ms: 0,
    serverRev: null,
    firstSync: null,
  };
}

/**
 * One machine's side of the protocol. A cycle either completes or throws; nothing it has applied is undone. What is
 * called here must not overlap.
 */
export interface Engine {
  /** Sends and receives everything; a cache that is being filled gets some more pages, see `firstSync`. */
  cycle(signal: AbortSignal, report: CycleReport): Promise<void>;
  /** Compares both sides, and mends what differs where that is asked for. */
  reconcile(request: ReconcileRequest, signal: AbortSignal): Promise<Reconciliation>;
  /** Looks after an outbox that does not move. @returns what it did, in words */
  mendQueue(): Promise<string>;
}

export function createEngine(options: EngineOptions): Engine {
  const { remote, read, write, machine } = options;
  const contact = createContact(options);
  const reconcile = createReconcile({ ...options, contact, exchangeAll });
  let prepared = false;
  let replayed = false;

  async function prepare(signal: AbortSignal): Promise<void> {
    await remote.prepare(signal);
    if (replayed) return;
    // Once in this process's life: what was parked or set aside may fare better with this version.
    await write.run((tx) => {
      tx.outbox.unparkAll();
      replaySetAside(tx, { machine, now: contact.now(), repairs: false }, noChanges());
      if (tx.meta.get("host") === null) tx.meta.set("host", options.host);
    });
    replayed = true;
  }

  /** Until everything above the cursor has come and everything in the outbox has gone. */
  async function exchangeAll(signal: AbortSignal, report: CycleReport): Promise<void> {
    let rounds = 0;
    let refusedClaims = 0;
    let mended = 0;
    const stuckBefore = new Set<string>();
    let { records } = options.batch;
    /** Null where there is nothing to send. The first contact only pulls: it tells which database this is. */
    const next = () => {
      if (read.meta.get("epoch") === null || read.meta.get("doubt") !== null) return null;
      const batch = nextBatch(read, { ...options.batch, records });
      return batch.records.length > 0 || isHeartbeatDue() ? batch : null;
    };
    // Times and stamps of a wrong clock are set right by what a pull tells, before they leave.
    let batch = contact.isClockChecked() ? next() : null;
    for (;;) {
      try {
        const settled = await contact.exchange(batch, signal, report);
        if (settled.mended && ++mended > MAX_MENDED) throw unsteady();
        if (settled.stuck.length > 0)
          await settleStuck({ ...options, contact }, settled.stuck, stuckBefore, signal, report);
        if (settled.refused > 0 && ++rounds === MAX_ROUNDS) throw contended();
        records = options.batch.records;
        // Far behind, it catches up first: sending holds the server's one write lock.
        batch = settled.complete ? next() : null;
        if (settled.complete && batch === null) return;
      } catch (error) {
        if (!(error instanceof RemoteError) || batch === null) throw error;
        if (error.kind === "guard" && ++refusedClaims < MAX_REFUSED_CLAIMS) {
          batch = null;
          continue;
        }
        if (error.kind !== "rejected" || batch.records.length === 0) throw error;
        // One of them is at fault: by halves it is found, parked, and the others go on.
        if (batch.records.length === 1) await parkRejected(batch.sent[0]!.version.id, error, signal, report);
        records = Math.max(1, batch.records.length >> 1);
        batch = next();
      }
    }
  }

  function isHeartbeatDue(): boolean {
    return contact.now() - read.meta.number("last_push") >= HEARTBEAT_MS;
  }

  async function parkRejected(
    id: string,
    error: RemoteError,
    signal: AbortSignal,
    report: CycleReport,
  ): Promise<void> {
    // Where reading is rejected too, it is not the record's fault.
    await contact.exchange(null, signal, report);
    await write.run((tx) => {
      tx.outbox.park(id, error.message);
    });
  }

  /**
   * What a doubt calls for, once everything has come. Until then nothing is pushed; a difference that cannot be mended
   * is no reason to wait longer.
   */
  async function settleDoubt(signal: AbortSignal, report: CycleReport): Promise<void> {
    const reason = read.meta.get("doubt");
    if (reason === null) return;
    // Only where the history itself is in doubt can one revision name two versions.
    const content = reason === "history_unknown";
    const after = read.meta.number("doubt_after");
    await reconcile({ reason, content, repair: true, after }, signal, report);
    await write.run((tx) => {
      tx.meta.set("doubt", null);
      tx.meta.set("doubt_after", null);
    });
    await exchangeAll(signal, report);
  }

  async function collect(signal: AbortSignal, report: CycleReport): Promise<void> {
    if (contact.now() - read.meta.number("last_collect") < COLLECT_MS) return;
    report.requests += 1;
    try {
      await remote.collect(options.tombstones, signal);
    } catch (error) {
      if (!(error instanceof RemoteError) || signal.aborted) throw error;
      // Nothing waits for it: this machine leaves it to the others for a day.
      options.log.debug({ code: error.code }, `collecting failed: ${error.message}`);
    }
    await write.run((tx) => {
      tx.meta.set("last_collect", contact.now());
    });
  }

  /** Counts the time. After whatever fails, nothing is taken for granted: the tables are prepared again. */
  async function measured(
    signal: AbortSignal,
    report: CycleReport,
    work: () => Promise<void>,
  ): Promise<void> {
    const started = options.monotonicMs();
    try {
      const wasPrepared = prepared;
      if (!prepared) await prepare(signal);
      prepared = false;
      try {
        await work();
      } catch (error) {
        // An empty database that has taken the place of ours has no tables.
        if (!wasPrepared || !(error instanceof RemoteError) || error.kind !== "rejected") throw error;
        await prepare(signal);
        await work();
      }
      prepared = true;
    } finally {
      report.duration_ms = options.monotonicMs() - started;
    }
  }

  return {
    cycle: (signal, report) =>
      measured(signal, report, async () => {
        await exchangeAll(signal, report);
        report.firstSync = await fillSlice({ ...options, contact }, signal, report);
        if (report.firstSync === null) {
          await settleDoubt(signal, report);
          await collect(signal, report);
        }
        const finishedAt = contact.now();
        await write.run((tx) => {
          tx.meta.set("last_sync", finishedAt);
        });
      }),

    async reconcile(request, signal) {
      let done: Reconciliation | null = null;
      const report = emptyReport();
      await measured(signal, report, async () => {
        await exchangeAll(signal, report);
        while ((await fillSlice({ ...options, contact }, signal, report)) !== null);
        done = await reconcile(request, signal, report);
      });
      return done!;
    },

    async mendQueue() {
      const changed = await write.run((tx) => mendOutbox(tx, contact.now()));
      return changed === 0
        ? "parked records get another try; everything unsent is queued, and nothing else is"
        : `the queue was made to hold what is unsent and nothing else (${changed} changed)`;
    },
  };
}

function contended(): RemoteError {
  return new RemoteError(
    "busy",
    "HD_CONTENDED",
    `other machines changed the same records ${MAX_ROUNDS} times during this cycle`,
  );
}

function unsteady(): RemoteError {
  return new RemoteError(
    "guard",
    "HD_REMOTE_UNSTEADY",
    "the remote keeps changing into another database; is there more than one behind its address?",
  );
}
