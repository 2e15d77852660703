import { uuidv7 } from "uuidv7";
import { expect } from "vitest";
import type { TestDaemon } from "../support/daemon.ts";
import { entriesOf } from "./entries.ts";

type Sent = { readonly id: string; readonly command: string } & Readonly<Record<string, unknown>>;

/**
 * What a client sent, and what it was told is stored. Ids are the client's own, so that it may send again what was
 * never answered, as real ones do.
 */
export interface Ledger {
  /** Sends one entry; where no answer comes it is in doubt. @returns whether it was acknowledged */
  write(to: TestDaemon, command: string): Promise<boolean>;
  writeBatch(to: TestDaemon, commands: readonly string[]): Promise<boolean>;
  /** Of everything that was sent. */
  commands(): string[];
  ids(): string[];
  /** After a crash: what was acknowledged is there as it was, and what is in doubt is there whole or not at all. */
  expectKept(by: TestDaemon): Promise<void>;
  /** Sends again what is in doubt. Then all of it is there. */
  settle(on: TestDaemon): Promise<void>;
}

export function createLedger(): Ledger {
  const requests: { entries: Sent[]; acknowledged: boolean }[] = [];

  async function send(to: TestDaemon, commands: readonly string[], batch: boolean): Promise<boolean> {
    const entries = commands.map((command, index) => ({
      id: uuidv7(),
      command,
      note: `note of "${command}" — ação`,
      exit_code: index % 256,
    }));
    const request = { entries, acknowledged: false };
    requests.push(request);
    const answer = await (
      batch
        ? to.request("POST", "/v1/history/batch", { entries })
        : to.request("POST", "/v1/history", entries[0])
    ).catch(() => null);
    if (answer === null) return false;
    expect(answer).toMatchObject({ status: 201 });
    request.acknowledged = true;
    return true;
  }

  async function expectCounts(on: TestDaemon, allowed: (request: (typeof requests)[number]) => number[]) {
    const there = new Map((await entriesOf(on)).map((entry) => [entry.id, entry]));
    for (const request of requests) {
      const found = request.entries.filter(({ id }) => there.has(id));
      for (const entry of found) expect(there.get(entry.id)).toMatchObject(entry);
      const { command } = request.entries[0]!;
      expect(allowed(request), `"${command}" and what came with it: ${found.length} are there`).toContain(
        found.length,
      );
    }
  }

  return {
    write: (to, command) => send(to, [command], false),
    writeBatch: (to, commands) => send(to, commands, true),
    commands: () => requests.flatMap(({ entries }) => entries.map(({ command }) => command)),
    ids: () => requests.flatMap(({ entries }) => entries.map(({ id }) => id)),
    expectKept: (by) =>
      expectCounts(by, ({ entries, acknowledged }) =>
        acknowledged ? [entries.length] : [0, entries.length],
      ),
    async settle(on) {
      for (const request of requests.filter(({ acknowledged }) => !acknowledged)) {
        const { status } = await on.request("POST", "/v1/history/batch", { entries: request.entries });
        expect([200, 201]).toContain(status);
        request.acknowledged = true;
      }
      await expectCounts(on, ({ entries }) => [entries.length]);
    },
  };
}
