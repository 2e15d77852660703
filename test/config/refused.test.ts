import { describe, expect, it } from "vitest";
import { FILE, problemOf } from "./load.ts";

const SECRET = "eyJhbGciOiJFZERTQSJ9.very-secret";

describe("config.json", () => {
  it.each<[unknown, string]>([
    [{ sync: { intervall: 1 } }, "unknown key sync.intervall; known are remote.url,"],
    [{ colour: "red" }, "unknown key colour; known are"],
    [{ sync: { retry: { max: 1 } } }, "unknown key sync.retry; known are"],
    ['{"__proto__": {"debug": true}}', "unknown key __proto__; known are"],
    [{ debug: { level: 1 } }, 'debug: expected true or false, got {"level":1}'],
    [{ debug: "true" }, 'debug: expected true or false, got "true"'],
    [{ debug: null }, "debug: expected true or false, got null"],
    [
      { sync: { interval: "30000" } },
      'sync.interval: expected a whole number from 100 to 86400000 (milliseconds), got "30000"',
    ],
    [
      { sync: { interval: 99 } },
      "sync.interval: expected a whole number from 100 to 86400000 (milliseconds), got 99",
    ],
    [{ sync: { interval: 30_000.5 } }, "sync.interval: expected a whole number"],
    [{ sync: { interval: null } }, "sync.interval: expected a whole number"],
    [{ sync: { batch_size: 0 } }, "sync.batch_size: expected a whole number from 1 to 1000 (records), got 0"],
    [
      { sync: { batch_size: 1001 } },
      "sync.batch_size: expected a whole number from 1 to 1000 (records), got 1001",
    ],
    [
      { sync: { retry_attempts: -1 } },
      "sync.retry_attempts: expected a whole number from 0 to 100 (attempts), got -1",
    ],
    [{ sync: { offline_mode: "never" } }, 'sync.offline_mode: expected one of auto, always, got "never"'],
    [{ sync: true }, "sync: expected an object, got boolean"],
    [{ sync: [] }, "sync: expected an object, got array"],
    [{ remote: SECRET }, "remote: expected an object, got string"],
    [{ log: "debug" }, "log: expected an object, got string"],
    [
      { log: { level: "loud" } },
      'log.level: expected one of trace, debug, info, warn, error, fatal, got "loud"',
    ],
    [{ mode: "all" }, 'mode: expected one of global, user, machine, hybrid, got "all"'],
    [{ user: "ana maria" }, "user: expected a username of up to 128 letters"],
    [{ user: "" }, "user: expected a username"],
    [{ user: "x".repeat(129) }, "user: expected a username"],
    [
      { remote: { url: "not a url" } },
      'remote.url: expected an http:, https: or libsql: address without credentials, got "not a url"',
    ],
    [[], 'expected a JSON object, such as {"sync": {"interval": 30000}}'],
    ["null", "expected a JSON object"],
    ["3", "expected a JSON object"],
    ["", "expected JSON, but Unexpected end of JSON input"],
    ['{"debug": true,}', "expected JSON, but Expected double-quoted property name in JSON at position 15"],
  ])("%j", (file, problem) => {
    const message = problemOf({ file });
    expect(message.startsWith(`${FILE}: `)).toBe(true);
    expect(message).toContain(problem);
  });
});

describe("a variable", () => {
  it.each<[Record<string, string>, string]>([
    [
      { HISTORYD_SYNC_INTERVAL: "1000" },
      "environment: unknown variable HISTORYD_SYNC_INTERVAL; known are HISTORYD_",
    ],
    [{ HISTORYD_: "1" }, "environment: unknown variable HISTORYD_; known are"],
    [{ HISTORYD_UNKNOWN: "" }, "environment: unknown variable HISTORYD_UNKNOWN"],
    [
      { HISTORYD_SYNC_INTERVAL_MS: "1e3" },
      'HISTORYD_SYNC_INTERVAL_MS: expected a whole number from 100 to 86400000 (milliseconds), got "1e3"',
    ],
    [{ HISTORYD_SYNC_INTERVAL_MS: " 1000" }, "HISTORYD_SYNC_INTERVAL_MS: expected a whole number"],
    [{ HISTORYD_SYNC_INTERVAL_MS: "-1000" }, "HISTORYD_SYNC_INTERVAL_MS: expected a whole number"],
    [
      { TURSO_SYNC_INTERVAL: "0" },
      'TURSO_SYNC_INTERVAL: expected a whole number from 1 to 86400 (seconds), got "0"',
    ],
    [
      { TURSO_SYNC_INTERVAL: "30000000" },
      "TURSO_SYNC_INTERVAL: expected a whole number from 1 to 86400 (seconds)",
    ],
    [{ TURSO_SYNC_INTERVAL: "0.5" }, "TURSO_SYNC_INTERVAL: expected a whole number"],
    [{ HISTORYD_SYNC_ENABLED: "maybe" }, 'HISTORYD_SYNC_ENABLED: expected true or false, got "maybe"'],
    [{ HISTORYD_DEBUG: "express:*" }, 'HISTORYD_DEBUG: expected true or false, got "express:*"'],
    [{ HISTORY_MODE: "GLOBAL" }, 'HISTORY_MODE: expected one of global, user, machine, hybrid, got "GLOBAL"'],
    [
      { MCP_USER: "root;drop" },
      "MCP_USER: expected a username of up to 128 letters, digits, '.', '_', '-' or '@', got \"root;drop\"",
    ],
    [{ MCP_USER: "a\nb" }, "MCP_USER: expected a username"],
  ])("%j", (env, problem) => {
    expect(problemOf({ env })).toContain(problem);
  });
});

describe("an address of the remote", () => {
  it.each([
    "db.turso.io",
    "file:cache.db",
    "ws://db.example",
    "wss://db.example",
    "http://",
    "https:/",
    "javascript:alert(1)",
    " ",
    "https://db.example#main",
    "libsql://db.example?tls=0",
  ])("%s", (url) => {
    const expected = "expected an http:, https: or libsql: address without credentials";
    expect(problemOf({ env: { TURSO_DATABASE_URL: url } })).toContain(`TURSO_DATABASE_URL: ${expected}`);
    expect(problemOf({ file: { remote: { url } } })).toContain(`${FILE}: remote.url: ${expected}`);
    expect(problemOf({ args: ["--url", url] })).toContain(`--url: ${expected}`);
  });
});

describe("a flag", () => {
  it.each([
    [["--colour"], "Unknown option '--colour'"],
    [["--mode"], "argument missing"],
    [["--mode", "all"], '--mode: expected one of global, user, machine, hybrid, got "all"'],
    [["--user", ""], "--user: expected a username"],
    [["--sync-interval-ms", "5s"], "--sync-interval-ms: expected a whole number"],
    [["start"], "Unexpected argument 'start'"],
    [["--home", ""], "--home: expected a path, got an empty text"],
    [["--socket", ""], "--socket: expected a path, got an empty text"],
  ])("%j", (args, problem) => {
    expect(problemOf({ args })).toContain(problem);
  });
});

describe("secrets", () => {
  it.each([
    `https://user:${SECRET}@db.example`,
    `https://${SECRET}@db.example`,
    `libsql://db.turso.io?authToken=${SECRET}`,
    `libsql://db.turso.io#${SECRET}`,
    `db.turso.io?authToken=${SECRET}`,
    `user:${SECRET}@db.turso.io`,
  ])("in an address are not printed: %s", (url) => {
    for (const given of [
      { env: { TURSO_DATABASE_URL: url } },
      { file: { remote: { url } } },
      { args: ["--url", url] },
    ]) {
      const message = problemOf(given);
      expect(message).not.toContain("secret");
      expect(message).not.toContain("eyJ");
      expect(message).toContain("address without credentials");
    }
  });

  it.each([
    { file: { remote: { auth_token: [SECRET] } } },
    { file: { remote: { auth_token: { value: SECRET } } } },
    { file: { remote: { auth_token: 1234567890123 } } },
    { env: { TURSO_AUTH_TOKEN: "   " } },
  ])("as a token of the wrong kind are not printed: %j", (given) => {
    const message = problemOf(given);
    expect(message).toMatch(/expected a token, got something else$/);
  });

  it.each([
    `{"remote": {"auth_token": ${SECRET}}}`,
    `{"remote": {"auth_token": "${SECRET}}}`,
    `{"remote": {"auth_token": '${SECRET}'}}`,
    `{"remote": {"auth_token" "${SECRET}"}}`,
    SECRET,
    `{"remote": {"auth_token": "${SECRET}"} "debug": true}`,
    `{"remote":{"url":"https://x","auth_token":"${SECRET}\n"}}`,
  ])("in a file that is not JSON are not printed: %s", (file) => {
    const message = problemOf({ file });
    expect(message).toContain(`${FILE}: expected JSON, but `);
    // No excerpt: not even a few letters of it.
    expect(message).not.toMatch(/eyJ|EdERTQSJ9|very|secret/i);
  });

  it("in an unknown variable, or one meant for others, are not printed", () => {
    expect(problemOf({ env: { HISTORYD_TOKEN: SECRET } })).not.toContain(SECRET);
  });
});
