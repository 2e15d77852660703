import { describe, expect, it } from "vitest";
import type { Config } from "../../daemon/config/config.ts";
import { load } from "./load.ts";

/** A setting, and how each layer says it, from the weakest to the strongest. */
interface Layers {
  read: (config: Config) => unknown;
  fallback: unknown;
  file: [object, unknown];
  env: [Record<string, string>, unknown];
  args?: [string[], unknown];
}

const REMOTE = { TURSO_DATABASE_URL: "https://env.example" };

const SETTINGS: Record<string, Layers> = {
  "remote.url": {
    read: ({ remote }) => remote?.url ?? null,
    fallback: null,
    file: [{ remote: { url: "http://file.example:8080" } }, "http://file.example:8080"],
    env: [REMOTE, "https://env.example"],
    args: [["--url", "libsql://flag.example"], "libsql://flag.example"],
  },
  "sync.interval": {
    read: ({ sync }) => sync.intervalMs,
    fallback: 30_000,
    file: [{ sync: { interval: 1000 } }, 1000],
    env: [{ HISTORYD_SYNC_INTERVAL_MS: "2000" }, 2000],
    args: [["--sync-interval-ms", "3000"], 3000],
  },
  "sync.batch_size": {
    read: ({ sync }) => sync.batchSize,
    fallback: 100,
    file: [{ sync: { batch_size: 1 } }, 1],
    env: [{ HISTORYD_SYNC_BATCH_SIZE: "2" }, 2],
    args: [["--sync-batch-size", "1000"], 1000],
  },
  "sync.retry_attempts": {
    read: ({ sync }) => sync.retryAttempts,
    fallback: 3,
    file: [{ sync: { retry_attempts: 0 } }, 0],
    env: [{ HISTORYD_SYNC_RETRY_ATTEMPTS: "7" }, 7],
  },
  "sync.offline_mode": {
    read: ({ sync }) => sync.automatic,
    fallback: true,
    file: [{ sync: { offline_mode: "always" } }, false],
    env: [{ HISTORYD_SYNC_OFFLINE_MODE: "auto" }, true],
  },
  "sync.request_timeout": {
    read: ({ sync }) => sync.requestTimeoutMs,
    fallback: 15_000,
    file: [{ sync: { request_timeout: 100 } }, 100],
    env: [{ HISTORYD_SYNC_REQUEST_TIMEOUT_MS: "200" }, 200],
  },
  mode: {
    read: ({ mode }) => mode,
    fallback: "global",
    file: [{ mode: "user" }, "user"],
    env: [{ HISTORY_MODE: "machine" }, "machine"],
    args: [["--mode", "hybrid"], "hybrid"],
  },
  user: {
    read: ({ user }) => user,
    fallback: null,
    file: [{ user: "ana" }, "ana"],
    env: [{ MCP_USER: "joão.silva@x" }, "joão.silva@x"],
    args: [["--user", "eva"], "eva"],
  },
  debug: {
    read: ({ log }) => log.level,
    fallback: "info",
    file: [{ debug: true }, "debug"],
    env: [{ HISTORYD_DEBUG: "0" }, "info"],
    args: [["--debug", "true"], "debug"],
  },
  "log.level": {
    read: ({ log }) => log.level,
    fallback: "info",
    file: [{ log: { level: "error" } }, "error"],
    env: [{ HISTORYD_LOG_LEVEL: "trace" }, "trace"],
    args: [["--log-level", "warn"], "warn"],
  },
  "log.format": {
    read: ({ log }) => log.format,
    fallback: "auto",
    file: [{ log: { format: "json" } }, "json"],
    env: [{ HISTORYD_LOG_FORMAT: "journal" }, "journal"],
    args: [["--log-format", "pretty"], "pretty"],
  },
};

describe.each(Object.entries(SETTINGS))("%s", (_, { read, fallback, file, env, args }) => {
  it("has a default, which config.json, the environment and flags overrule in this order", () => {
    expect(read(load())).toEqual(fallback);
    expect(read(load({ file: file[0] }))).toEqual(file[1]);
    expect(read(load({ file: file[0], env: env[0] }))).toEqual(env[1]);
    if (args === undefined) return;
    expect(read(load({ file: file[0], env: env[0], args: args[0] }))).toEqual(args[1]);
    expect(read(load({ args: args[0] }))).toEqual(args[1]);
  });

  it("takes an empty variable for one that is not set", () => {
    const empty = Object.fromEntries(Object.keys(env[0]).map((name) => [name, ""]));
    expect(read(load({ file: file[0], env: empty }))).toEqual(file[1]);
  });
});

describe("sync.enabled", () => {
  it("false is a daemon without a remote", () => {
    const file = { sync: { enabled: false }, remote: { url: "https://file.example" } };
    expect(load({ file }).remote).toBe(null);
    expect(load({ file, env: { HISTORYD_SYNC_ENABLED: "yes" } }).remote).toMatchObject({
      url: "https://file.example",
    });
    expect(load({ file, env: { HISTORYD_SYNC_ENABLED: "on" }, args: ["--sync", "off"] }).remote).toBe(null);
  });
});

describe("the assistant's variables", () => {
  it("TURSO_SYNC_INTERVAL is seconds, and HISTORYD_SYNC_INTERVAL_MS overrules it", () => {
    expect(load({ env: { TURSO_SYNC_INTERVAL: "30" } }).sync.intervalMs).toBe(30_000);
    expect(
      load({ env: { TURSO_SYNC_INTERVAL: "1" }, file: { sync: { interval: 5000 } } }).sync.intervalMs,
    ).toBe(1000);
    const both = { TURSO_SYNC_INTERVAL: "30", HISTORYD_SYNC_INTERVAL_MS: "250" };
    expect(load({ env: both }).sync.intervalMs).toBe(250);
  });

  it.each(["1", "true", "TRUE", "yes", "on"])("DEBUG=%s logs at level debug", (word) => {
    expect(load({ env: { DEBUG: word } }).log.level).toBe("debug");
  });

  it.each(["0", "false", "no"])("DEBUG=%s takes back what config.json says", (word) => {
    expect(load({ env: { DEBUG: word }, file: { debug: true } }).log.level).toBe("info");
  });

  it.each(["express:*", "*", "historyd", "2"])(
    "DEBUG=%s is meant for others, and changes nothing",
    (word) => {
      expect(load({ env: { DEBUG: word } }).log.level).toBe("info");
      expect(load({ env: { DEBUG: word }, file: { debug: true } }).log.level).toBe("debug");
    },
  );

  it("config.json may have the assistant's shape, as it is", () => {
    const file =
      '{"sync":{"enabled":true,"interval":30000,"batch_size":100,"retry_attempts":3,"offline_mode":"auto"},"debug":false}';
    expect(load({ file, env: REMOTE })).toEqual(load({ env: REMOTE }));
  });

  it("an empty config.json, or none, is every default", () => {
    expect(load({ file: {} })).toEqual(load());
    expect(load({ file: { sync: {}, log: {}, remote: {} } })).toEqual(load());
    expect(load().remote).toBe(null);
  });
});
