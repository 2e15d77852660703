import { join } from "node:path";
import { packageRoot } from "../../client-lib/package-root.ts";
import { createHybridClock } from "../../daemon/core/hlc.ts";
import type { Fields, Version } from "../../daemon/core/record.ts";
import { openStore, type Store } from "../../daemon/store/store.ts";
import { tempDir } from "./temp.ts";

/** Where the cache's migrations are. */
export const cacheMigrations = join(packageRoot, "migrations/cache");

export interface TestStore {
  readonly home: string;
  /** The database file. */
  readonly file: string;
  readonly store: Store;
  /** Closes the store, and removes its folder unless the test gave it. */
  readonly close: () => void;
}

export interface TestStoreOptions {
  /** A folder that the test keeps; a new one by default. */
  home?: string;
  /** Wall clock of the hybrid clock. */
  now?: () => number;
  monotonicMs?: () => number;
}

let serial = 0;

/** A cache on disk, as a daemon opens it. */
export function createTestStore(options: TestStoreOptions = {}): TestStore {
  const temp = options.home === undefined ? tempDir("historyd-store") : null;
  const home = options.home ?? temp!.path;
  const file = join(home, "cache.db");
  const now = options.now ?? (() => 1_700_000_000_000);
  const store = openStore({
    file,
    migrations: cacheMigrations,
    backups: join(home, "backups"),
    newIncarnation: () => `incarnation-${(serial += 1)}`,
    monotonicMs: options.monotonicMs ?? (() => performance.now()),
    clock: (meta) => {
      const last = meta.get("hlc");
      return createHybridClock({ now, node: "aaaaaaaaaaaa", ...(last === null ? {} : { last }) });
    },
  });
  return {
    home,
    file,
    store,
    close() {
      store.close();
      temp?.remove();
    },
  };
}

/** A stamp as machines write them. */
export function stamp(ms: number, counter = 0, node = "aaaaaaaaaaaa"): string {
  return `${ms.toString(16).padStart(12, "0")}-${counter.toString(16).padStart(4, "0")}-${node}`;
}

/** A version of an entry whose fields are all there, as a row of the cache needs them. */
export function entryVersion(id: string, fields: Fields = {}, version: Partial<Version> = {}): Version {
  return {
    id,
    kind: "history",
    machineId: "machine-a",
    lastEditor: "machine-a",
    hlc: stamp(1_700_000_000_000),
    clocks: null,
    ...version,
    fields: {
      scope: "global",
      user: null,
      timestamp: 1_700_000_000_000,
      deleted_at: null,
      purged_at: null,
      kind: "command",
      command: "true",
      response: null,
      hostname: "host-a",
      session_id: null,
      cwd: null,
      shell: null,
      exit_code: null,
      duration_ms: null,
      tokens_used: null,
      tags: null,
      note: null,
      pinned: false,
      context: null,
      caused_by: null,
      created_at: 1_700_000_000_000,
      ...fields,
    },
  };
}
