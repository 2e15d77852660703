import { statSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, it, onTestFinished } from "vitest";
import { startDaemon } from "../support/daemon.ts";
import { tempDir } from "../support/temp.ts";

/** Throws where the search index differs from the texts, the file is damaged, or the kept counts are wrong. */
function checkCache(home: string): { total: number } {
  const cache = new Database(join(home, "cache.db"));
  try {
    expect(cache.pragma("integrity_check", { simple: true })).toBe("ok");
    cache.exec("INSERT INTO history_fts (history_fts, rank) VALUES ('integrity-check', 1)");
    const counted = cache
      .prepare<[], { total: number; pending: number }>(
        `SELECT count(*) AS total, ifnull(sum(rev IS NULL OR base IS NOT NULL), 0) AS pending
         FROM history WHERE deleted_at IS NULL AND purged_at IS NULL`,
      )
      .get()!;
    expect(cache.prepare("SELECT live AS total, pending FROM counts").get()).toEqual(counted);
    const outbox = cache.prepare("SELECT count(*) FROM outbox").pluck().get();
    expect(outbox).toBe(cache.prepare("SELECT count(*) FROM history").pluck().get());
    return counted;
  } finally {
    cache.close();
  }
}

it.each([50, 500])("SIGKILL after some %d acknowledged writes loses none of them", async (enough) => {
  const { path: home, remove } = tempDir("hd");
  onTestFinished(remove);
  const first = await startDaemon({ home });
  onTestFinished(first.close);
  const acknowledged = new Map<string, string>();
  const writers = Array.from({ length: 16 }, async (_, writer) => {
    for (let index = 0; ; index++) {
      const entries = Array.from({ length: 5 }, (__, nth) => ({ command: `w${writer} i${index} n${nth}` }));
      try {
        const { status, body } =
          index % 2 === 0
            ? await first.request("POST", "/v1/history", entries[0])
            : await first.request("POST", "/v1/history/batch", { entries });
        expect(status).toBe(201);
        for (const { id, command } of body.entries ?? [body]) acknowledged.set(id, command);
      } catch {
        return;
      }
    }
  });
  await first.process.waitFor(() => acknowledged.size >= enough, { what: "enough acknowledged writes" });
  await first.kill();
  await Promise.all(writers);
  // It was killed: the socket is still there, and nobody answers on it.
  expect(statSync(first.socket).isSocket()).toBe(true);

  const second = await startDaemon({ home });
  onTestFinished(second.close);
  const { body } = await second.request("GET", "/v1/stats");
  expect(body.cache.total).toBeGreaterThanOrEqual(acknowledged.size);
  for (const [id, command] of acknowledged) {
    const read = await second.request("GET", `/v1/history/${id}`);
    expect(read).toMatchObject({ status: 200, body: { id, command } });
  }
  const [id, command] = [...acknowledged].at(-1)!;
  const found = await second.request("GET", `/v1/search?q=${encodeURIComponent(`"${command}"`)}`);
  expect(found.body.results.map((result: { id: string }) => result.id)).toContain(id);
  await second.request("POST", "/v1/history", { command: "afterwards" });
  await second.stop();
  expect(checkCache(home).total).toBe(body.cache.total + 1);
});

it("a batch that was cut off by SIGKILL is there as a whole or not at all", async () => {
  const { path: home, remove } = tempDir("hd");
  onTestFinished(remove);
  const entries = Array.from({ length: 1000 }, (_, index) => ({
    command: `b${index}`,
    response: "x".repeat(2000),
  }));
  let whole = 0;
  for (let round = 0; round < 3; round++) {
    const daemon = await startDaemon({ home });
    onTestFinished(daemon.close);
    const sizeBefore = statSync(join(home, "cache.db-wal")).size;
    const answer = daemon.request("POST", "/v1/history/batch", { entries }).then(
      ({ status }) => status === 201,
      () => false,
    );
    if (round > 0)
      await daemon.process.waitFor(() => statSync(join(home, "cache.db-wal")).size !== sizeBefore);
    await daemon.kill();
    const acknowledged = await answer;
    const { total } = checkCache(home);
    expect(total % entries.length).toBe(0);
    expect(total).toBeGreaterThanOrEqual(whole + (acknowledged ? entries.length : 0));
    whole = total;
  }
});
