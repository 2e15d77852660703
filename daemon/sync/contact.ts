import { type Selection, selectionKey } from "../core/selection.ts";
import type { PullAnswer, PullRequest, PushAnswer, PushRequest, RemoteFacts } from "../remote/remote.ts";
import { type Changes, changesToEvents, noChanges } from "./changes.ts";
import { createClockWatch, startOffsetMeasure } from "./clock.ts";
import type { CycleReport, EngineOptions } from "./engine.ts";
import { rewind, startOver, takeIdentity } from "./mend.ts";
import type { Batch } from "./push.ts";
import { pullPosition, type Receiver, settle, type Settled } from "./settle.ts";
import { findTrouble, pushIds, type Trouble } from "./trouble.ts";

/** What of other machines' records this machine wants; null: all. */
export interface SelectionOptions {
  user: string | null;
  scopes: readonly string[] | null;
  kinds: readonly string[] | null;
  maxAgeMs: number | null;
}

/** One request and what came of it. */
export interface Exchanged extends Settled {
  /** Everything up to the server's newest revision has come. */
  complete: boolean;
  /** The answer told of trouble, which was mended instead of taking it in. */
  mended: boolean;
}

/** Requests to the remote, each answer taken in before the next. */
export interface Contact {
  /** What is above the cursor comes, and the batch goes. @param batch null: only a pull; without records: a heartbeat */
  exchange(batch: Batch | null, signal: AbortSignal, report: CycleReport): Promise<Exchanged>;
  /**
   * Asks for something else beside a pull, and takes that in.
   * @returns the answer, with what was selected; null where it is of no use: more has to be pulled first, or something
   *   had to be mended
   */
  ask<Answer extends PullAnswer>(
    question: (request: PullRequest) => Promise<Answer>,
    signal: AbortSignal,
    report: CycleReport,
  ): Promise<(Answer & { selection: Selection }) | null>;
  /** The request that a pull would be made with now. */
  request(): PullRequest;
  /** Mends what the facts of an answer say is wrong. @returns whether there was anything */
  mendTrouble(answer: RemoteFacts, signal: AbortSignal, report: CycleReport): Promise<boolean>;
  receiver(): Receiver;
  /** Counts changes, and tells of them, once they are committed. */
  tell(changes: Changes, report: CycleReport): void;
  /** Ms since the epoch, by the remote's clock as far as it is known. */
  now(): number;
  /** Whether it is known what this machine's clock is off by; else what was recorded may have to be set right first. */
  isClockChecked(): boolean;
}

export function createContact(options: EngineOptions): Contact {
  const { remote, read, write, machine, log } = options;

  const now = (): number => options.now() + read.meta.number("clock_offset_ms");

  const clockWatch = createClockWatch(options.now, options.monotonicMs);

  function selection(): Selection {
    const { user, scopes, kinds, maxAgeMs } = options.selection;
    const since = maxAgeMs === null ? null : now() - maxAgeMs;
    return { machineId: machine.id, user, scopes, kinds, since };
  }

  function receiver(): Receiver {
    const selected = selection();
    const key = selectionKey(selected, options.selection.maxAgeMs);
    return {
      machine,
      selection: selected,
      selectionKey: key,
      now: now(),
      hasRevisions: read.revisions.any(),
    };
  }

  function request(): PullRequest {
    const { selectionKey: key, selection: selected } = receiver();
    const { cursor } = pullPosition(read.meta, key);
    return { cursor, selection: selected, page: options.page, mark: read.marks.newest() };
  }

  async function exchange(batch: Batch | null, signal: AbortSignal, report: CycleReport): Promise<Exchanged> {
    const pull = request();
    // A cache that starts has no cursor to make a claim with.
    if (batch === null || pull.cursor === Number.MAX_SAFE_INTEGER) {
      return takeIn(pull, null, () => remote.pull(pull, signal), signal, report);
    }
    const push = await toPushRequest(batch);
    return takeIn(pull, { batch, request: push }, () => remote.exchange(pull, push, signal), signal, report);
  }

  /** Makes a request, and takes in its answer, or mends what the answer says is wrong. */
  async function takeIn(
    pull: PullRequest,
    push: { batch: Batch; request: PushRequest } | null,
    send: () => Promise<PullAnswer & { pushed?: PushAnswer }>,
    signal: AbortSignal,
    report: CycleReport,
  ): Promise<Exchanged> {
    const measureOffset = startOffsetMeasure(options.now, options.monotonicMs);
    report.requests += 1;
    const answer = await send();
    const offset = measureOffset(answer.serverTimeMs);
    if (offset !== null) options.onClockOffset(offset);
    if (await mendTrouble(answer, signal, report)) {
      return { complete: false, mended: true, changes: noChanges(), uploaded: 0, stuck: [], refused: 0 };
    }
    const pushed = push === null || answer.pushed === undefined ? null : { ...push, answer: answer.pushed };
    const to = { ...receiver(), now: offset === null ? now() : options.now() + offset };
    const settled = await write.run((tx) => settle(tx, { request: pull, answer, offset, push: pushed }, to));
    clockWatch.checked();
    report.uploaded += settled.uploaded;
    report.serverRev = answer.pushed?.revAfter ?? answer.serverRev;
    tell(settled.changes, report);
    const started = pull.cursor === Number.MAX_SAFE_INTEGER;
    return { ...settled, mended: false, complete: answer.complete && !started };
  }

  function tell(changes: Changes, report: CycleReport): void {
    report.downloaded += changes.downloaded;
    report.conflicts += changes.conflicts.length;
    for (const event of changesToEvents(changes)) options.onEvent(event);
  }

  async function mendTrouble(
    answer: RemoteFacts,
    signal: AbortSignal,
    report: CycleReport,
  ): Promise<boolean> {
    const trouble = findTrouble(read.meta, answer);
    if (trouble === null) return false;
    await MEND[trouble](answer, signal, report);
    return true;
  }

  const MEND: Record<
    Trouble,
    (answer: RemoteFacts, signal: AbortSignal, report: CycleReport) => Promise<void>
  > = {
    async replaced({ epoch }) {
      await write.run((tx) => {
        startOver(tx, epoch, now());
      });
      log.warn({ epoch }, "the remote is another database than before: everything here is sent to it");
      options.onEvent({ type: "remote", change: "replaced" });
    },

    async restored({ serverRev }, signal, report) {
      const marks = read.marks.all();
      report.requests += 1;
      const { common, oldest } = await remote.findMark(marks, signal);
      const newest = marks[0]?.rev ?? 0;
      const forgotten = oldest > newest && serverRev >= newest;
      await write.run((tx) => {
        if (forgotten) {
          // Away for so long that marks of that time are forgotten: what came after the last one that is not may be
          // the same history, or another one.
          tx.marks.forgetAbove(common ?? 0);
          tx.meta.set("doubt", "history_unknown");
          tx.meta.set("doubt_after", common ?? 0);
        } else {
          rewind(tx, Math.min(common ?? 0, serverRev), now());
        }
      });
      if (forgotten) return;
      log.warn(
        { common: common ?? 0, cursor: read.meta.number("cursor") },
        "the remote was restored from an older copy: what it lost and this machine has is sent again",
      );
      options.onEvent({ type: "remote", change: "restored" });
    },

    async clone({ node }) {
      const former = machine.id;
      const identity = await write.run((tx) => takeIdentity(tx, machine, node, options.host, options.newId));
      machine.become(identity);
      const reason = identity.clone
        ? "this is a copy of a machine that is still in use: it has an identity of its own from now on"
        : "another copy of this cache was in use under this machine's identity, or it was restored from an older copy";
      log.warn({ machine: machine.id, former: identity.clone ? former : null }, reason);
      options.onEvent({
        type: "identity",
        machine_id: machine.id,
        former_machine_id: identity.clone ? former : null,
        reason,
      });
    },
  };

  /** The number and the id are written before the push: they must never be used twice, whatever becomes of it. */
  async function toPushRequest(batch: Batch): Promise<PushRequest> {
    const pushId = options.newId();
    const { pushSeq, ids } = await write.run((tx) => {
      const next = tx.meta.number("push_seq") + 1;
      tx.meta.set("push_seq", next);
      const known = pushIds(tx.meta);
      tx.meta.set(
        "push_ids",
        JSON.stringify([...known.slice(0, 1), ...known.slice(1).slice(-MAX_OPEN_PUSHES), pushId]),
      );
      return { pushSeq: next, ids: [...known, pushId] };
    });
    return {
      epoch: read.meta.get("epoch") ?? "",
      records: batch.records,
      acknowledgedSeq: read.meta.number("pushed_seq"),
      pushIds: ids,
      node: {
        machineId: machine.id,
        incarnation: machine.incarnation,
        hostname: machine.hostname,
        version: options.version,
        pushSeq,
        pushId,
        queueDepth: read.outbox.depth() - batch.records.length,
        now: now(),
      },
    };
  }

  return {
    exchange,
    async ask<Answer extends PullAnswer>(
      question: (request: PullRequest) => Promise<Answer>,
      signal: AbortSignal,
      report: CycleReport,
    ) {
      const pull = request();
      const answers: Answer[] = [];
      const send = async (): Promise<Answer> => {
        const answer = await question(pull);
        answers.push(answer);
        return answer;
      };
      const { complete } = await takeIn(pull, null, send, signal, report);
      return complete ? { ...answers[0]!, selection: pull.selection } : null;
    },
    request,
    mendTrouble,
    receiver,
    tell,
    now,
    isClockChecked: clockWatch.isChecked,
  };
}

/** Pushes whose answer was lost and that are remembered; forgetting one only makes this machine take itself for two. */
const MAX_OPEN_PUSHES = 100;
