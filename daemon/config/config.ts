import path from "node:path";
import { type PathEnvironment, resolveHome, resolveSocket } from "../../client-lib/paths.ts";
import type { EntryKind, Mode, Scope } from "../../client-lib/protocol/entry.ts";
import { ConfigError, type Setting } from "./setting.ts";
import { type LogFormat, SETTINGS, type SettingName, type Settings } from "./settings.ts";

/** Where the token for the remote comes from. A file is read when a connection is made. */
type TokenSource = { kind: "none" } | { kind: "value"; value: string } | { kind: "file"; file: string };

/** Everything the daemon is told from outside, checked. */
export interface Config {
  home: string;
  socket: string;
  /** Whether the socket's folder is one of ours, and not one that somebody chose. */
  ownsSocketFolder: boolean;
  remote: { url: string; token: TokenSource } | null;
  sync: {
    intervalMs: number;
    batchSize: number;
    retryAttempts: number;
    requestTimeoutMs: number;
    automatic: boolean;
    /** What is received of other machines; null: all. */
    scopes: readonly Scope[] | null;
    kinds: readonly EntryKind[] | null;
    maxAgeMs: number | null;
  };
  mode: Mode;
  user: string | null;
  log: { level: string; format: LogFormat };
}

export interface ConfigSources {
  env: Record<string, string | undefined>;
  /** Values of flags by their name, as `parseFlags` gives them. */
  flags: {
    home?: string | undefined;
    socket?: string | undefined;
    settings: Record<string, string | undefined>;
  };
  /** Content of `config.json`, or null where there is none. */
  readFile: (file: string) => string | null;
  /** Whether there is such a file. Credentials are systemd's files, not ours: their owner and mode are its concern. */
  exists: (file: string) => boolean;
}

/** Variables that are ours but no setting. */
const OTHER_VARIABLES = new Set(["HISTORYD_HOME", "HISTORYD_SOCKET"]);

/** The name under which systemd's LoadCredential hands the token over. */
const CREDENTIAL = "turso-auth-token";

/**
 * Puts the configuration together: defaults, then `config.json`, then the environment, then flags; later wins.
 * Pure, but for the files that it is given a reader for.
 * @throws ConfigError that names the key, what was expected, what came, and where
 */
export function loadConfig(sources: ConfigSources): Config {
  const paths: PathEnvironment = { ...sources.env };
  if (sources.flags.home !== undefined) paths.HISTORYD_HOME = sources.flags.home;
  if (sources.flags.socket !== undefined) paths.HISTORYD_SOCKET = sources.flags.socket;
  const home = homeOrError(paths);
  const file = path.join(home, "config.json");
  const fromFile = readConfigFile(file, sources.readFile(file));
  const fromEnv = readEnvironment(sources.env);
  const fromFlags = readFlags(sources.flags.settings);
  const settings = { ...defaults(), ...fromFile, ...fromEnv, ...fromFlags };
  return {
    home,
    socket: resolveSocket(paths),
    ownsSocketFolder: !paths.HISTORYD_SOCKET,
    remote:
      settings.url === undefined || !settings.syncEnabled
        ? null
        : { url: settings.url, token: tokenSource([fromFlags, fromEnv, credential(sources), fromFile]) },
    sync: {
      intervalMs: settings.intervalMs!,
      batchSize: settings.batchSize!,
      retryAttempts: settings.retryAttempts!,
      requestTimeoutMs: settings.requestTimeoutMs!,
      automatic: settings.offlineMode === "auto",
      scopes: settings.syncScopes ?? null,
      kinds: settings.syncKinds ?? null,
      maxAgeMs: settings.syncMaxAgeMs ?? null,
    },
    mode: settings.mode!,
    user: settings.user ?? null,
    log: { level: settings.debug ? "debug" : settings.logLevel!, format: settings.logFormat! },
  };
}

function homeOrError(paths: PathEnvironment): string {
  try {
    return resolveHome(paths);
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
}

function entries(): [SettingName, Setting<unknown>][] {
  return Object.entries(SETTINGS) as [SettingName, Setting<unknown>][];
}

function defaults(): Partial<Settings> {
  return Object.fromEntries(entries().map(([name, { fallback }]) => [name, fallback]));
}

function readEnvironment(env: ConfigSources["env"]): Partial<Settings> {
  const found: Record<string, unknown> = {};
  const known = new Set(OTHER_VARIABLES);
  for (const [name, setting] of entries()) {
    known.add(setting.env);
    // An empty variable is one that is not set: that is how a unit file or a shell takes one back.
    const alias = setting.envAlias;
    if (env[setting.env]) found[name] = fromText(setting, setting.type, env[setting.env]!, setting.env);
    else if (alias && env[alias.name] && !isForOthers(alias, env[alias.name]!))
      found[name] = fromText(setting, alias.type, env[alias.name]!, alias.name);
  }
  for (const name of Object.keys(env)) {
    if (name.startsWith("HISTORYD_") && !known.has(name)) {
      throw new ConfigError(
        `environment: unknown variable ${name}; known are ${[...known].toSorted().join(", ")}`,
      );
    }
  }
  return found;
}

function isForOthers(alias: NonNullable<Setting<unknown>["envAlias"]>, value: string): boolean {
  return alias.shared === true && alias.type.fromText(value) === undefined;
}

function readFlags(flags: Record<string, string | undefined>): Partial<Settings> {
  const found: Record<string, unknown> = {};
  for (const [name, setting] of entries()) {
    const value = setting.flag === undefined ? undefined : flags[setting.flag];
    if (value !== undefined) found[name] = fromText(setting, setting.type, value, `--${setting.flag}`);
  }
  return found;
}

function readConfigFile(file: string, content: string | null): Partial<Settings> {
  if (content === null) return {};
  let tree: unknown;
  try {
    tree = JSON.parse(content);
  } catch (error) {
    throw new ConfigError(`${file}: expected JSON, but ${withoutExcerpt((error as Error).message)}`);
  }
  if (!isObject(tree))
    throw new ConfigError(`${file}: expected a JSON object, such as {"sync": {"interval": 30000}}`);
  const byKey = new Map(entries().map(([name, setting]) => [setting.key, { name, setting }]));
  const found: Record<string, unknown> = {};
  for (const [key, value] of leaves(tree, byKey)) {
    const known = byKey.get(key);
    if (known === undefined) {
      if (isGroup(key, byKey))
        throw new ConfigError(`${file}: ${key}: expected an object, got ${kindOf(value)}`);
      throw new ConfigError(`${file}: unknown key ${key}; known are ${[...byKey.keys()].join(", ")}`);
    }
    const { name, setting } = known;
    const read = setting.type.fromJson(value);
    if (read === undefined) throw problem(`${file}: ${key}`, setting, setting.type.expected, value);
    found[name] = read;
  }
  return found;
}

/** Dotted keys and values. A group is an object that is not itself the value of a known key. */
function* leaves(
  tree: Record<string, unknown>,
  known: Map<string, unknown>,
  prefix = "",
): Generator<[string, unknown]> {
  for (const [name, value] of Object.entries(tree)) {
    const key = prefix + name;
    if (isGroup(key, known) && isObject(value)) yield* leaves(value, known, `${key}.`);
    else yield [key, value];
  }
}

function isGroup(key: string, known: Map<string, unknown>): boolean {
  return [...known.keys()].some((other) => other.startsWith(`${key}.`));
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

/** V8 quotes the text around the place where it stopped reading: part of a token, perhaps. */
function withoutExcerpt(message: string): string {
  return message.startsWith('"') ? "it is none" : message.replace(/, (\.\.\.)?".*$/su, "");
}

function fromText<T>(
  setting: Setting<unknown>,
  type: { expected: string; fromText(text: string): T | undefined },
  value: string,
  where: string,
): T {
  const read = type.fromText(value);
  if (read === undefined) throw problem(where, setting, type.expected, value);
  return read;
}

function problem(where: string, setting: Setting<unknown>, expected: string, value: unknown): ConfigError {
  const got = setting.isSecret?.(value) === true ? "something else" : JSON.stringify(value);
  return new ConfigError(`${where}: expected ${expected}, got ${got}`);
}

/** Flags, environment, credential and file each may name the token or a file of it: the first of them that does counts. */
function tokenSource(layers: Partial<Settings>[]): TokenSource {
  for (const { token, tokenFile } of layers) {
    if (token !== undefined) return { kind: "value", value: token };
    if (tokenFile !== undefined) return { kind: "file", file: path.resolve(tokenFile) };
  }
  return { kind: "none" };
}

function credential({ env, exists }: ConfigSources): Partial<Settings> {
  if (!env.CREDENTIALS_DIRECTORY) return {};
  const file = path.join(env.CREDENTIALS_DIRECTORY, CREDENTIAL);
  return exists(file) ? { tokenFile: file } : {};
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
