/** Timers are given, so that tests and the simulation decide what time it is. */
export interface Timers {
  /** Resolves after `ms`, or as soon as the signal is aborted. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}
