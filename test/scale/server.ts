import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { createClient } from "@libsql/client/http";
import { cpuMs } from "../bench/machine.ts";
import { startSqld } from "../support/sqld.ts";
import type { Row } from "./compare.ts";

/** What the server has used and holds at one moment. Null where the system does not tell. */
export interface ServerState {
  /** Processor time of all its processes so far, ms. */
  cpuMs: number | null;
  /** Resident memory now. */
  rssMb: number | null;
  /** Bytes of all its files, its replication log included, and of the database alone. */
  folderBytes: number;
  databaseBytes: number;
  /** Rows read and written so far, by the server's own count, which is also what Turso bills. */
  rowsRead: number;
  rowsWritten: number;
}

/** A real sqld with default limits that is stopped and started, and looked at from outside. */
export interface ServerUnderTest {
  readonly url: string;
  state(): ServerState;
  /** Highest resident memory of any of its processes, MB. */
  peakMb(): number | null;
  /** Ends it at once (`kill`) or gracefully (`stop`), leaves it away for `downMs`, and starts it on the same data. */
  interrupt(how: "kill" | "stop", downMs: number): Promise<ServerOutage>;
  rows(): Promise<Row[]>;
  close(): Promise<void>;
}

/** Wall clock, ms: from the signal to the first answer of the new process. */
export interface ServerOutage {
  how: "kill" | "stop";
  from: number;
  to: number;
}

/** Under the 10 MB that the server answers with. */
const PAGE = 2000;

export async function startServerUnderTest(): Promise<ServerUnderTest> {
  const sqld = await startSqld();
  let cpuOfEarlier = 0;
  let peak: number | null = null;
  const notePeak = (): void => {
    const now = memoryMb(sqld.pid, "VmHWM");
    if (now !== null) peak = Math.max(peak ?? 0, now);
  };

  return {
    url: sqld.url,
    state() {
      const cpu = cpuMs(sqld.pid);
      return {
        cpuMs: cpu === null ? null : cpuOfEarlier + cpu,
        rssMb: memoryMb(sqld.pid, "VmRSS"),
        ...filesOf(sqld.dir),
        ...rowCounts(sqld.dir),
      };
    },
    peakMb() {
      notePeak();
      return peak;
    },
    async interrupt(how, downMs) {
      notePeak();
      const cpu = cpuMs(sqld.pid) ?? 0;
      const from = Date.now();
      await (how === "kill" ? sqld.kill() : sqld.stop());
      cpuOfEarlier += cpu;
      await new Promise((resolve) => {
        setTimeout(resolve, downMs);
      });
      await sqld.restart();
      return { how, from, to: Date.now() };
    },
    rows: () => readRows(sqld.url),
    close: sqld.close,
  };
}

async function readRows(url: string): Promise<Row[]> {
  const client = createClient({ url });
  try {
    const rows: Row[] = [];
    for (;;) {
      const page = await client.execute({
        sql: `SELECT id, body ->> 'command' AS command, body ->> 'note' AS note, body ->> '$.tags[0]' AS tag
              FROM records WHERE kind = 'history' AND id > ? ORDER BY id LIMIT ?`,
        args: [rows.at(-1)?.[0] ?? "", PAGE],
      });
      rows.push(
        ...page.rows.map(({ id, command, note, tag }): Row => [
          id as string,
          command as string,
          note as string | null,
          tag as string | null,
        ]),
      );
      if (page.rows.length < PAGE) return rows;
    }
  } finally {
    client.close();
  }
}

/** proc(5): `VmRSS` is resident now, `VmHWM` at its highest. */
function memoryMb(pid: number, field: "VmRSS" | "VmHWM"): number | null {
  try {
    const line = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(
      readFileSync(`/proc/${pid}/status`, "latin1"),
    );
    return line === null ? null : Number(line[1]) / 1024;
  } catch {
    return null;
  }
}

function filesOf(folder: string): Pick<ServerState, "folderBytes" | "databaseBytes"> {
  let [folderBytes, databaseBytes] = [0, 0];
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const stat = statSync(path.join(folder, name), { throwIfNoEntry: false });
    if (stat?.isFile() !== true) continue;
    folderBytes += stat.size;
    if (name === path.join("dbs", "default", "data")) databaseBytes = stat.size;
  }
  return { folderBytes, databaseBytes };
}

/** sqld writes its counters to a file every few seconds; until the first time they are 0. */
function rowCounts(folder: string): Pick<ServerState, "rowsRead" | "rowsWritten"> {
  try {
    const text = readFileSync(path.join(folder, "dbs", "default", "stats.json"), "utf8");
    const stats = JSON.parse(text) as { rows_read: number; rows_written: number };
    return { rowsRead: stats.rows_read, rowsWritten: stats.rows_written };
  } catch {
    return { rowsRead: 0, rowsWritten: 0 };
  }
}
