import path from "node:path";
import { uuidv7 } from "uuidv7";
import { packageRoot } from "../../client-lib/package-root.ts";
import { createHybridClock, toNode } from "../../daemon/core/hlc.ts";
import { type Fields, type SyncRecord, versionToRecord } from "../../daemon/core/record.ts";
import type { SqlExecutor } from "../../daemon/remote/executor.ts";
import { createLibsqlExecutor } from "../../daemon/remote/libsql.ts";
import { markStatements, upsertStatement } from "../../daemon/remote/push-statements.ts";
import { createSqlRemote } from "../../daemon/remote/sql-remote.ts";
import { readMigrations } from "../../daemon/store/migrate.ts";
import { createPayloads } from "./payload.ts";

/** Who recorded the entries, in turn. */
const MACHINES = 20;
const MINUTE_MS = 60_000;

/** Records in one request: many more than a machine pushes, as nobody waits for the server's lock. */
const LOT = 2000;

/**
 * Puts entries of a team's last months on a server, a minute apart, as their machines would have pushed them: the same
 * packing, columns, digests, triggers and marks. The newest is found by `newest`, a word that no other has.
 */
export async function fillRemote(
  url: string,
  { count, newest, step }: { count: number; newest: string; step: (text: string) => void },
): Promise<void> {
  const executor = createLibsqlExecutor({ url, token: () => null, timeoutMs: 60_000 });
  const { signal } = new AbortController();
  try {
    await createSqlRemote(executor, readMigrations(path.join(packageRoot, "migrations/remote"))).prepare(
      signal,
    );
    const records = createRecords(count, newest);
    for (let sent = 0; sent < count; sent += LOT) {
      step(`filling the server: ${sent.toLocaleString("en-US")} of ${count.toLocaleString("en-US")}`);
      await push(executor, records.slice(sent, sent + LOT), signal);
    }
  } finally {
    executor.close();
  }
}

async function push(
  executor: SqlExecutor,
  records: readonly SyncRecord[],
  signal: AbortSignal,
): Promise<void> {
  const node = {
    machineId: "",
    incarnation: "",
    hostname: "",
    version: "",
    pushSeq: 0,
    pushId: uuidv7(),
    queueDepth: 0,
    now: 0,
  };
  await executor.batch("write", [upsertStatement(records), ...markStatements(node)], signal);
}

function createRecords(count: number, newest: string): SyncRecord[] {
  const start = Date.now() - count * MINUTE_MS;
  let at = start;
  const authors = Array.from({ length: MACHINES }, (_, number) => {
    const id = uuidv7();
    const clock = createHybridClock({ now: () => at, node: toNode(id, "") });
    return { id, hostname: `host-${number}`, user: `user-${number}`, clock };
  });
  return createPayloads(count, 3).map((payload, index) => {
    at = start + index * MINUTE_MS;
    const { id: machineId, hostname, user, clock } = authors[index % MACHINES]!;
    const fields = {
      scope: "global",
      user,
      hostname,
      pinned: false,
      ...payload,
      ...(index === count - 1 ? { command: `${payload.command} ${newest}` } : {}),
      timestamp: at,
      created_at: at,
    } as Fields;
    const version = {
      id: uuidv7(),
      kind: "history",
      machineId,
      lastEditor: machineId,
      hlc: clock.tick(),
      clocks: null,
      fields,
    };
    return versionToRecord(version, 1, null);
  });
}
