import {
  ENTRY_KINDS,
  type EntryKind,
  type Mode,
  MODES,
  type Scope,
  SCOPES,
} from "../../client-lib/protocol/entry.ts";
import { boolean, integer, oneOf, type Setting, someOf, text, type ValueType } from "./setting.ts";

const seconds: ValueType<number> = scaled(integer(1, 86_400, "seconds"), 1000);

const OFFLINE_MODES = ["auto", "always"] as const;
const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
const LOG_FORMATS = ["auto", "pretty", "json", "journal"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Everything that can be configured, but for the two paths that say where the configuration is. */
export const SETTINGS = {
  url: setting({
    key: "remote.url",
    type: text("an http:, https: or libsql: address without credentials", isRemoteUrl),
    fallback: undefined,
    env: "TURSO_DATABASE_URL",
    flag: "url",
    help: "address of the shared libSQL database; without one, everything but sync works",
    // Passwords stand before an @, and Turso's own tools write tokens after a ?.
    isSecret: (value) => typeof value !== "string" || /[@?#]/.test(value),
  }),
  token: setting({
    key: "remote.auth_token",
    type: text("a token"),
    fallback: undefined,
    env: "TURSO_AUTH_TOKEN",
    help: "token for the remote; prefer a file, which can be rotated without a restart",
    isSecret: () => true,
  }),
  tokenFile: setting({
    key: "remote.auth_token_file",
    type: text("a path"),
    fallback: undefined,
    env: "TURSO_AUTH_TOKEN_FILE",
    flag: "token-file",
    help: "file that holds the token for the remote, and nothing else",
  }),
  syncEnabled: setting({
    key: "sync.enabled",
    type: boolean,
    fallback: true,
    env: "HISTORYD_SYNC_ENABLED",
    flag: "sync",
    help: "synchronise with the remote",
  }),
  intervalMs: setting({
    key: "sync.interval",
    type: integer(100, 86_400_000, "milliseconds"),
    fallback: 30_000,
    env: "HISTORYD_SYNC_INTERVAL_MS",
    envAlias: { name: "TURSO_SYNC_INTERVAL", type: seconds },
    flag: "sync-interval-ms",
    help: "time between two cycles",
  }),
  batchSize: setting({
    key: "sync.batch_size",
    type: integer(1, 1000, "records"),
    fallback: 100,
    env: "HISTORYD_SYNC_BATCH_SIZE",
    flag: "sync-batch-size",
    help: "records sent in one request",
  }),
  retryAttempts: setting({
    key: "sync.retry_attempts",
    type: integer(0, 100, "attempts"),
    fallback: 3,
    env: "HISTORYD_SYNC_RETRY_ATTEMPTS",
    help: "quick retries before the pace slows down; nothing is ever given up",
  }),
  offlineMode: setting<(typeof OFFLINE_MODES)[number]>({
    key: "sync.offline_mode",
    type: oneOf(OFFLINE_MODES),
    fallback: "auto",
    env: "HISTORYD_SYNC_OFFLINE_MODE",
    help: "auto: notice by itself whether the remote can be reached; always: stay offline until a sync is asked for",
  }),
  requestTimeoutMs: setting({
    key: "sync.request_timeout",
    type: integer(100, 600_000, "milliseconds"),
    fallback: 15_000,
    env: "HISTORYD_SYNC_REQUEST_TIMEOUT_MS",
    help: "how long one request to the remote may take",
  }),
  syncScopes: setting<readonly Scope[]>({
    key: "sync.scopes",
    type: someOf(SCOPES),
    fallback: undefined,
    env: "HISTORYD_SYNC_SCOPES",
    help: "receive only entries of these scopes from other machines; all by default",
  }),
  syncKinds: setting<readonly EntryKind[]>({
    key: "sync.kinds",
    type: someOf(ENTRY_KINDS),
    fallback: undefined,
    env: "HISTORYD_SYNC_KINDS",
    help: "receive only entries of these kinds from other machines; all by default",
  }),
  syncMaxAgeMs: setting({
    key: "sync.max_age_days",
    type: scaled(integer(1, 36_500, "days"), 86_400_000),
    fallback: undefined,
    env: "HISTORYD_SYNC_MAX_AGE_DAYS",
    help: "receive only entries of other machines that are not older; however old by default",
  }),
  mode: setting<Mode>({
    key: "mode",
    type: oneOf(MODES),
    fallback: "global",
    env: "HISTORY_MODE",
    flag: "mode",
    help: "the lens that lists and searches look through unless they name another",
  }),
  user: setting({
    key: "user",
    type: text("a username of up to 128 letters, digits, '.', '_', '-' or '@'", (name) =>
      /^[\p{L}\p{N}._@-]{1,128}$/u.test(name),
    ),
    fallback: undefined,
    env: "MCP_USER",
    flag: "user",
    help: "whose history is recorded here",
  }),
  debug: setting({
    key: "debug",
    type: boolean,
    fallback: false,
    env: "HISTORYD_DEBUG",
    envAlias: { name: "DEBUG", type: boolean, shared: true },
    flag: "debug",
    help: "log at level debug",
  }),
  logLevel: setting<(typeof LOG_LEVELS)[number]>({
    key: "log.level",
    type: oneOf(LOG_LEVELS),
    fallback: "info",
    env: "HISTORYD_LOG_LEVEL",
    flag: "log-level",
    help: "least important level that is logged",
  }),
  logFormat: setting<LogFormat>({
    key: "log.format",
    type: oneOf(LOG_FORMATS),
    fallback: "auto",
    env: "HISTORYD_LOG_FORMAT",
    flag: "log-format",
    help: "auto: pretty on a terminal, journal under systemd, json elsewhere",
  }),
} as const;

export type SettingName = keyof typeof SETTINGS;

/** The values of all settings. */
export type Settings = {
  [Name in SettingName]: (typeof SETTINGS)[Name] extends Setting<infer T> ? T | undefined : never;
};

function setting<T>(options: Setting<T>): Setting<T> {
  return options;
}

function scaled(type: ValueType<number>, factor: number): ValueType<number> {
  const times = (value: number | undefined): number | undefined =>
    value === undefined ? undefined : value * factor;
  return {
    expected: type.expected,
    fromText: (word) => times(type.fromText(word)),
    fromJson: (value) => times(type.fromJson(value)),
  };
}

function isRemoteUrl(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const url = new URL(address);
  return (
    ["http:", "https:", "libsql:"].includes(url.protocol) &&
    url.hostname !== "" &&
    url.username === "" &&
    url.password === "" &&
    url.search === "" &&
    url.hash === ""
  );
}
