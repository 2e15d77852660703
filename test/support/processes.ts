import { spawn, type ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

/** How a process ended: exactly one of the two is not null. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface SpawnOptions {
  readonly cwd?: string;
  /** The whole environment, not additions to it; the parent's by default. */
  readonly env?: NodeJS.ProcessEnv;
  /** Written to standard input, which is then closed. Without it, input stays open for `stdin`. */
  readonly input?: string;
}

export interface WaitOptions {
  /** 10 000 by default. */
  readonly timeoutMs?: number;
  /** What is awaited, for the message when it does not come. */
  readonly what?: string;
}

export interface Running {
  readonly pid: number;
  readonly stdin: Writable;
  /** Complete lines so far, without their line ends, and at the end what was left without one. */
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  /** Resolves when the process has ended and its output is complete (nobody holds its pipes). Never rejects. */
  readonly exited: Promise<Exit>;
  /** Undefined while it runs. */
  readonly exit: Exit | undefined;
  /**
   * Resolves with the first match in a line of either stream, earlier lines included. Rejects when the process ends
   * or the time is over first; the message has the last lines of its output.
   */
  waitForLine(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  /** As {@link waitFor}, but rejects as soon as the process has ended. */
  waitFor<T>(probe: () => T | Promise<T>, options?: WaitOptions): Promise<NonNullable<T>>;
  /** Sends a signal to the process alone; false when it has already ended. */
  signal(signal: NodeJS.Signals): boolean;
  /** Sends `signal` (SIGTERM), and SIGKILL to its whole group if it has not ended `graceMs` (5 000) later. */
  stop(signal?: NodeJS.Signals, graceMs?: number): Promise<Exit>;
}

const defaultTimeoutMs = 10_000;
const pollMs = 10;
const living = new Set<number>();

/**
 * Starts a program and collects what it prints. It never outlives this process: an 'exit' handler kills what still
 * runs, and a watcher does when this process is itself killed and can run no handler.
 *
 * @throws Error when the program cannot be started.
 */
export async function startProcess(
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Promise<Running> {
  // Its own process group, so that what it starts can be killed with it.
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) => reject(new Error(`cannot start ${command}: ${cause.message}`, { cause })));
  });
  const pid = child.pid as number;
  const watcher = watchFor(pid);
  if (living.size === 0) process.once("exit", killLiving);
  living.add(pid);

  const stdout: string[] = [];
  const stderr: string[] = [];
  const listeners = new Set<(line: string) => void>();
  const onLine = (lines: string[]) => (line: string) => {
    lines.push(line);
    for (const listener of listeners) listener(line);
  };
  collectLines(child.stdout, onLine(stdout));
  collectLines(child.stderr, onLine(stderr));

  let exit: Exit | undefined;
  const exited = new Promise<Exit>((resolve) => {
    child.once("close", (code, signal) => {
      living.delete(pid);
      if (living.size === 0) process.off("exit", killLiving);
      watcher.kill("SIGKILL");
      resolve((exit = { code, signal }));
    });
  });

  // A program that ends before it has read its input is judged by its exit, not by our EPIPE.
  child.stdin.on("error", () => {});
  if (options.input !== undefined) child.stdin.end(options.input);

  const failure = (message: string): Error => {
    const ended = exit === undefined ? "" : ` (it ended with ${exit.signal ?? `code ${exit.code}`})`;
    const output = [...stdout.slice(-20), ...stderr.slice(-20)].map((line) => `\n  | ${line}`).join("");
    return new Error(`${command}: ${message}${ended}${output}`);
  };

  return {
    pid,
    stdin: child.stdin,
    stdout,
    stderr,
    exited,
    get exit() {
      return exit;
    },

    async waitForLine(pattern, timeoutMs = defaultTimeoutMs) {
      // Without g and y, exec() does not go on from where it last matched.
      const stateless = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""));
      for (const line of [...stdout, ...stderr]) {
        const match = stateless.exec(line);
        if (match !== null) return match;
      }
      if (exit !== undefined) throw failure(`no line like ${pattern}`);
      return await new Promise<RegExpExecArray>((resolve, reject) => {
        const settle = (match: RegExpExecArray | Error): void => {
          clearTimeout(timeout);
          listeners.delete(listener);
          if (match instanceof Error) reject(match);
          else resolve(match);
        };
        const listener = (line: string): void => {
          const match = stateless.exec(line);
          if (match !== null) settle(match);
        };
        const timeout = setTimeout(
          () => settle(failure(`no line like ${pattern} within ${timeoutMs} ms`)),
          timeoutMs,
        );
        listeners.add(listener);
        void exited.then(() => settle(failure(`no line like ${pattern}`)));
      });
    },

    waitFor(probe, waitOptions = {}) {
      const what = waitOptions.what ?? "what was awaited";
      return waitFor(
        () => {
          if (exit !== undefined) throw failure(`ended before ${what}`);
          return probe();
        },
        { ...waitOptions, what: `${command}: ${what}` },
      );
    },

    signal: (signal) => child.kill(signal),

    async stop(signal = "SIGTERM", graceMs = 5_000) {
      if (exit !== undefined) return exit;
      // A stopped (SIGSTOP) process would not act on any other signal before it continues.
      child.kill(signal);
      child.kill("SIGCONT");
      const escalation = setTimeout(() => killGroup(pid), graceMs);
      return await exited.finally(() => clearTimeout(escalation));
    },
  };
}

/**
 * Asks until the answer is truthy, and resolves with it: for the state of another process, which sends no event.
 * An error from the probe is thrown on at once.
 */
export async function waitFor<T>(
  probe: () => T | Promise<T>,
  options: WaitOptions = {},
): Promise<NonNullable<T>> {
  const { timeoutMs = defaultTimeoutMs, what = "what was awaited" } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await probe();
    if (answer) return answer;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await sleep(pollMs);
  }
}

/**
 * A port of 127.0.0.1 nobody listens on now; the caller still has to be ready to lose it to another process.
 *
 * It lies below the range from which systems number outgoing connections. A port in that range that is free for a
 * moment (a server restarting, a proxy refusing) can be taken by any connection, and a client that keeps dialling it
 * can even be connected to itself.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const probe = createServer();
    const free = await new Promise<boolean>((resolve) => {
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!free) continue;
    await new Promise((resolve) => probe.close(resolve));
    return port;
  }
}

/** Our end of the watcher's input closes however we die; it then reads the end and kills the group. */
function watchFor(pid: number): ChildProcess {
  const watcher = spawn("/bin/sh", ["-c", 'read -r _; kill -s KILL -- "-$0"', String(pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  watcher.on("error", (cause) => {
    throw new Error("cannot start /bin/sh to watch over a child process", { cause });
  });
  watcher.unref();
  (watcher.stdin as unknown as { unref(): void }).unref();
  return watcher;
}

function killLiving(): void {
  for (const pid of living) killGroup(pid);
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // ESRCH: it has just ended.
  }
}

// Not node:readline, which also breaks lines at U+2028 inside a JSON string.
function collectLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  });
  stream.on("end", () => {
    if (rest !== "") onLine(rest);
  });
}
