import type { Target } from "../bench/report.ts";
import type { ScaleOptions } from "./arguments.ts";
import type { CycleFigures, PhaseFigures, ScaleFigures, Times } from "./figures.ts";
import type { RunRecord } from "./run.ts";
import type { Losses } from "./verdict.ts";

/** The whole report as text. */
export function scaleToText(
  figures: ScaleFigures,
  losses: Losses,
  targets: readonly Target[],
  run: RunRecord,
  options: ScaleOptions,
): string {
  const { server, cycles } = figures;
  const column = (title: string, value: (phase: PhaseFigures) => string): string[] => [
    title,
    ...figures.phases.map(value),
  ];
  return [
    `${options.machines} machines in ${options.workers} processes, interval ${options.intervalMs / 1000} s, ` +
      `one thing done every ${options.recordEveryMs / 1000} s on each`,
    `${run.entries} entries and ${run.edits} edits by others were acknowledged`,
    "",
    ...columns([
      column("", ({ name }) => name),
      column("seconds", ({ seconds }) => seconds.toFixed(0)),
      column("cycles", (phase) => String(phase.cycles.total)),
      column("  succeeded", (phase) => percentText(phase.cycles)),
      column("  ms p50 / p95 / max", (phase) => timesText(phase.cycles.durationMs, 1)),
      column("s to another machine", (phase) => timesText(phase.toEach, 1000)),
      column("s until on all of them", (phase) => timesText(phase.toAll, 1000)),
      column("a machine an hour: requests", (phase) => phase.perMachineHour.requests.toFixed(0)),
      column("  reads", (phase) => phase.perMachineHour.reads.toFixed(0)),
      column("  writes", (phase) => phase.perMachineHour.writes.toFixed(0)),
      column("  kB up", (phase) => kilobytes(phase.perMachineHour.bytesUp)),
      column("  kB down", (phase) => kilobytes(phase.perMachineHour.bytesDown)),
      column("answers by status", (phase) => countsText(phase.statuses)),
      column("TCP connections", (phase) => String(phase.connections)),
      column("sqld: % of a core", ({ server: { cpuPercent } }) => cpuPercent?.toFixed(1) ?? "?"),
      column("  MB resident", ({ server: { rssMb } }) => rssMb?.toFixed(0) ?? "?"),
      column("  rows read", (phase) => String(phase.server.rowsRead)),
      column("  rows written", (phase) => String(phase.server.rowsWritten)),
    ]),
    "",
    `cycles: ${percentText(cycles.overall)} of ${cycles.overall.total} succeeded; ` +
      `${percentText(cycles.outsideOutages)} of ${cycles.outsideOutages.total} while the server was there`,
    `failed: ${countsText(cycles.overall.failed)}; while the server was there: ${countsText(cycles.outsideOutages.failed)}`,
    `the server was away: ${figures.outageMs.map(({ how, ms }) => `${how} ${(ms / 1000).toFixed(1)} s`).join(", ")}`,
    `idle: ${figures.idle.reads} reads and ${figures.idle.writes} writes in ${figures.idle.cycles} cycles`,
    `sqld: ${((server.cpuMs ?? 0) / 1000).toFixed(1)} s of processor time, at most ${server.peakMb?.toFixed(0) ?? "?"} MB; ` +
      `database ${kilobytes(server.databaseBytes)} kB (${server.bytesPerEntry.toFixed(0)} bytes an entry), ` +
      `all its files ${kilobytes(server.folderBytes)} kB`,
    `workers: ${figures.workersRssMb.map((mb) => mb.toFixed(0)).join(", ")} MB`,
    `server: ${lossText(losses.onServer)}; machines: ${lossText(losses.onMachines)}, ${losses.machinesThatDiffer} differ`,
    "",
    ...columns(targets.map(({ level, text, actual, met }) => [level, text, actual, met ? "met" : "not met"])),
  ].join("\n");
}

function timesText({ p50, p95, max }: Times, unit: number): string {
  const text = (ms: number | null): string => (ms === null ? "–" : (ms / unit).toFixed(unit === 1 ? 0 : 1));
  return p50 === null ? "–" : `${text(p50)} / ${text(p95)} / ${text(max)}`;
}

function percentText({ succeeded }: CycleFigures): string {
  return succeeded === null ? "–" : `${succeeded.toFixed(2)} %`;
}

function countsText(counts: Readonly<Record<string, number>>): string {
  return (
    Object.entries(counts)
      .map(([name, count]) => `${count} × ${name}`)
      .join(", ") || "none"
  );
}

function lossText({ lost, doubled, altered }: Losses["onServer"]): string {
  return `${lost} lost, ${doubled} doubled, ${altered} altered`;
}

function kilobytes(bytes: number): string {
  return (bytes / 1000).toFixed(0);
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? "").length)));
  return rows.map((row) => `  ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("   ")}`.trimEnd());
}
