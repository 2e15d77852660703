import { createClient } from "@libsql/client";
import { expect } from "vitest";
import { startDaemon, type TestDaemon } from "../support/daemon.ts";
import { startSqld } from "../support/sqld.ts";
import { commandsOf } from "./entries.ts";

/** A real remote, and another machine that sees what arrives there. */
export interface Fleet {
  /** Variables of a daemon that synchronises with the remote when it is asked, and only then. */
  readonly env: Readonly<Record<string, string>>;
  readonly other: TestDaemon;
  /** Synchronises; then nothing is left to send. */
  sync(daemon: TestDaemon): Promise<void>;
  /** The remote and the other machine hold exactly these, each once. @param prefix of their commands, and of no others */
  expectEverywhere(prefix: string, expected: { commands: string[]; ids?: string[] }): Promise<void>;
  /** How many records the remote has up to a revision. */
  countUpTo(rev: number): Promise<number>;
  close(): Promise<void>;
}

export async function startFleet(): Promise<Fleet> {
  const server = await startSqld();
  const direct = createClient({ url: server.url });
  const env = { TURSO_DATABASE_URL: server.url, HISTORYD_SYNC_OFFLINE_MODE: "always" };
  const other = await startDaemon({ env }).catch(async (error: unknown) => {
    await server.close();
    throw error;
  });

  async function sync(daemon: TestDaemon): Promise<void> {
    const { status, body } = await daemon.request("POST", "/v1/sync");
    expect({ status, body }).toMatchObject({ status: 200, body: { pending: 0 } });
  }

  return {
    env,
    other,
    sync,
    async expectEverywhere(prefix, { commands, ids }) {
      await sync(other);
      expect(await commandsOf(other, prefix)).toEqual(commands.toSorted());
      if (ids === undefined) return;
      const held = await direct.execute({
        sql: "SELECT id FROM records WHERE id IN (SELECT value FROM json_each(?))",
        args: [JSON.stringify(ids)],
      });
      expect(held.rows.map(({ id }) => id as string).toSorted()).toEqual(ids.toSorted());
    },
    async countUpTo(rev) {
      const sql = "SELECT count(*) AS count FROM records WHERE rev <= ?";
      return Number((await direct.execute({ sql, args: [rev] })).rows[0]!["count"]);
    },
    async close() {
      direct.close();
      await other.close();
      await server.close();
    },
  };
}
