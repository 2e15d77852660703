import type { Status } from "../../protocol/status.ts";
import type { Output } from "../context.ts";
import { renderFacts } from "./facts.ts";
import { formatBytes, formatCount, formatDuration } from "./quantities.ts";
import { createStyle, type Style } from "./style.ts";
import { syncFacts } from "./sync.ts";
import { escapeControls } from "./escape.ts";

/** A daemon on one screen. */
export function renderStatus(status: Status, out: Output, nowMs: number): string {
  const style = createStyle(out.color);
  const { cache, spool, memory, machine } = status;
  const user = status.user === null ? "no user configured" : `user ${escapeControls(status.user)}`;
  return renderFacts(
    [
      [
        "historyd",
        `${style.green("running")} for ${formatDuration(status.uptime_ms)}, version ${status.version}, pid ${status.pid}, Node ${status.node}`,
      ],
      ["machine", describeMachine(machine, style)],
      ["reads as", `${user}, mode ${status.mode}`],
      [
        "history",
        `${formatCount(cache.total, "entry", "entries")}: ${cache.synced.toLocaleString("en-US")} synced, ${cache.pending.toLocaleString("en-US")} pending`,
      ],
      ["spool", describeSpool(spool, style)],
      ...syncFacts(status.sync, nowMs, style),
      ["home", escapeControls(status.home)],
      ["socket", escapeControls(status.socket)],
      [
        "sizes",
        `cache ${formatBytes(cache.size)}, its log ${formatBytes(cache.wal_size)}, memory ${formatBytes(memory.rss)}`,
      ],
      ["log level", status.log_level],
    ],
    style,
  );
}

function describeMachine({ hostname, id, former_id: former }: Status["machine"], style: Style): string {
  const name = `${escapeControls(hostname)} (${escapeControls(id)})`;
  return former === null ? name : `${name}, ${style.yellow(`a copy of ${escapeControls(former)}`)}`;
}

function describeSpool({ files, taken, rejected }: Status["spool"], style: Style): string {
  const parts = [
    files === 0 ? "empty" : formatCount(files, "file", "files"),
    `${taken.toLocaleString("en-US")} taken in`,
    ...(rejected === 0
      ? []
      : [style.red(`${rejected.toLocaleString("en-US")} rejected (see spool/rejected)`)]),
  ];
  return parts.join(", ");
}
