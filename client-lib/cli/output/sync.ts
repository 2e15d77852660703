import type { SyncAnswer, SyncState, SyncStatus } from "../../protocol/sync.ts";
import type { Output } from "../context.ts";
import { type Fact, renderFacts } from "./facts.ts";
import { formatCount, formatDuration, formatWhen } from "./quantities.ts";
import { describeOutcome } from "./reconcile.ts";
import { createStyle, type Style } from "./style.ts";
import { escapeControls } from "./escape.ts";

/** What a cycle did, in a sentence. */
export function renderCycle(answer: SyncAnswer): string {
  const { uploaded, downloaded, conflicts, requests, duration_ms: durationMs, pending } = answer;
  const moved =
    uploaded + downloaded === 0
      ? "nothing to send or receive"
      : `sent ${uploaded.toLocaleString("en-US")}, received ${downloaded.toLocaleString("en-US")}`;
  // Found, and not decided: the later write was taken for now.
  const found = conflicts === 0 ? "" : `, found ${formatCount(conflicts, "conflict", "conflicts")}`;
  const left = pending === 0 ? "" : `; ${pending.toLocaleString("en-US")} left to send`;
  const more =
    answer.first_sync === null
      ? ""
      : `; the first sync is ${percent(answer.first_sync.progress)} complete (historyctl sync --wait)`;
  return `${moved}${found} (${formatCount(requests, "request", "requests")}, ${formatDuration(durationMs)})${left}${more}\n`;
}

/** Not rounded up: 100 % is said of what is complete. */
function percent(share: number): string {
  return `${Math.floor(share * 100)} %`;
}

/** The state of sync: `historyctl sync --status`. */
export function renderSyncStatus(sync: SyncStatus, out: Output, nowMs: number): string {
  const style = createStyle(out.color);
  return renderFacts(syncFacts(sync, nowMs, style), style);
}

/** What there is to say about sync, the state first. */
export function syncFacts(sync: SyncStatus, nowMs: number, style: Style): Fact[] {
  const when = (timeMs: number | null, words: string): string[] =>
    timeMs === null ? [] : [`${words} ${formatWhen(timeMs, nowMs)}`];
  const state = paintState(sync.state, style);
  const reason = sync.reason === null ? "" : `: ${escapeControls(sync.reason)}`;
  const failures =
    sync.consecutive_failures === 0
      ? []
      : [`${formatCount(sync.consecutive_failures, "failure", "failures")} in a row`];
  const queued =
    sync.pending === 0
      ? "nothing to send"
      : [
          `${formatCount(sync.pending, "record", "records")} to send`,
          ...when(sync.oldest_pending, "the oldest queued"),
        ].join(", ");
  const oddities = [
    ...(sync.parked === 0 ? [] : [`${sync.parked} that the remote does not take`]),
    ...(sync.set_aside === 0 ? [] : [`${sync.set_aside} received but not understood`]),
  ];
  return [
    ["sync", `${state}${reason}`],
    ["queue", [queued, ...oddities].join("; ")],
    ...stalledFact(sync, nowMs, style),
    ...(sync.enabled ? remoteFacts(sync, style, when, failures) : []),
  ];
}

function remoteFacts(
  sync: SyncStatus,
  style: Style,
  when: (timeMs: number | null, words: string) => string[],
  failures: string[],
): Fact[] {
  const times = [
    ...when(sync.last_sync, "worked"),
    ...(sync.last_attempt === sync.last_sync ? [] : when(sync.last_attempt, "tried")),
    ...when(sync.next_attempt, "next"),
    ...failures,
  ];
  const revision = `revision ${sync.cursor} of ${sync.remote_rev ?? "an unknown number"}`;
  const cycle = sync.last_cycle;
  return [
    [
      "remote",
      `${escapeControls(sync.remote ?? "")}, every ${formatDuration(sync.interval_ms)}, ${revision}`,
    ],
    ["times", times.join(", ") || null],
    [
      "last",
      cycle &&
        `sent ${cycle.uploaded}, received ${cycle.downloaded}, in ${formatDuration(cycle.duration_ms)}`,
    ],
    ...fillingFact(sync),
    ...comparedFact(sync, when),
    [
      "error",
      sync.last_error &&
        style.red(
          escapeControls(`${sync.last_error.code}: ${sync.last_error.message}`) +
            `, ${when(sync.last_error.at, "").join("").trim()}`,
        ),
    ],
  ];
}

function stalledFact({ stalled }: SyncStatus, nowMs: number, style: Style): Fact[] {
  if (stalled === null) return [];
  const since = formatWhen(stalled.since, nowMs);
  return [["stalled", style.red(`${escapeControls(stalled.reason)} (first seen ${since})`)]];
}

function fillingFact({ first_sync }: SyncStatus): Fact[] {
  if (first_sync === null) return [];
  const { progress, below, from } = first_sync;
  return [["filling", `${percent(progress)}, newest first: revisions ${below} to ${from} are here`]];
}

function comparedFact(
  { last_reconcile }: SyncStatus,
  when: (timeMs: number, words: string) => string[],
): Fact[] {
  if (last_reconcile === null) return [];
  const [ago = ""] = when(last_reconcile.started_at, "");
  return [["compared", `${ago.trim()}: ${describeOutcome(last_reconcile)}`]];
}

function paintState(state: SyncState, style: Style): string {
  switch (state) {
    case "synced":
    case "syncing":
      return style.green(state);
    case "waiting":
    case "offline":
      return style.yellow(state);
    case "diverged":
    case "error":
      return style.red(state);
  }
}
