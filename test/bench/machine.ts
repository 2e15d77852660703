import { closeSync, fsyncSync, openSync, readFileSync, statfsSync, writeSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";
import path from "node:path";
import { version } from "../../client-lib/package-root.ts";
import { tempDir } from "../support/temp.ts";
import { median } from "./stats.ts";

/** What figures of two machines must not be compared without. */
export interface MachineFacts {
  readonly historyd: string;
  readonly node: string;
  readonly kernel: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memory_mb: number;
  /** Processes that wanted a core, on average over the last minute, before the benchmark began. */
  readonly load_before: number;
  /** Median time of writing 4 KiB at the end of a file and of having it on disk, where the benchmark's files are. */
  readonly fsync_ms: number;
  /** Whether those files are in memory: what is called durable then is not. */
  readonly in_memory: boolean;
}

const TMPFS = 0x01021994;

export function readMachineFacts(): MachineFacts {
  const folder = tempDir("hd-bench");
  try {
    return {
      historyd: version,
      node: process.version,
      kernel: `${type()} ${release()}`,
      cpu: cpus()[0]?.model.trim() ?? "unknown",
      cores: availableParallelism(),
      memory_mb: Math.round(totalmem() / 2 ** 20),
      load_before: loadavg()[0] ?? 0,
      fsync_ms: measureFsync(path.join(folder.path, "fsync")),
      in_memory: statfsSync(folder.path).type === TMPFS,
    };
  } finally {
    folder.remove();
  }
}

export function machineToText(facts: MachineFacts): string {
  return [
    `historyd ${facts.historyd}, Node ${facts.node}, ${facts.kernel}`,
    `${facts.cores} cores (${facts.cpu}), ${facts.memory_mb} MB, load ${facts.load_before.toFixed(2)} before the start`,
    `fsync of 4 KiB: median ${facts.fsync_ms.toFixed(3)} ms`,
    ...(facts.in_memory
      ? [
          "The temporary folder is in memory, so that no write here is durable: set TMPDIR to a folder on a disk.",
        ]
      : []),
  ].join("\n");
}

function measureFsync(file: string): number {
  const block = Buffer.alloc(4096, 1);
  const fd = openSync(file, "w");
  try {
    const times = Array.from({ length: 100 }, () => {
      const started = performance.now();
      writeSync(fd, block);
      fsyncSync(fd);
      return performance.now() - started;
    });
    return median(times);
  } finally {
    closeSync(fd);
  }
}

/** proc(5): fields are counted behind the name, which may hold anything, blanks and brackets included. */
const UTIME = 11;
/** A tick of user space, on every Linux that Node runs on. */
const TICK_MS = 10;

/** Processor time that a process has used, all its threads together, in ms; null where there is no /proc. */
export function cpuMs(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[UTIME]) + Number(fields[UTIME + 1])) * TICK_MS;
  } catch {
    return null;
  }
}
