import * as fc from "fast-check";
import type { Fields, Version } from "../../daemon/core/record.ts";
import type { HistoryFilter } from "../../daemon/store/filters.ts";
import type { Store } from "../../daemon/store/store.ts";
import { entryVersion } from "../support/store.ts";

/** An entry as it lies in the cache: few values for each field, so that filters find several, and few times, so that many are equal. */
export interface Row {
  version: Version;
  rev: number | null;
  base: Fields | null;
}

const word = fc.constantFrom(
  "git",
  "Configuração",
  "push",
  "docker",
  "ação",
  "ls",
  "--no-pager",
  ";",
  "C:\\x",
  "😀",
);
export const commandText = fc.array(word, { minLength: 1, maxLength: 5 }).map((words) => words.join(" "));
const nullable = <T>(of: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 2, arbitrary: fc.constant(null) }, { weight: 3, arbitrary: of });
const rarely = <T>(value: T) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.constant(value) });

const user = nullable(fc.constantFrom("ana", "rui"));
const machine = fc.constantFrom("machine-a", "machine-b");
const time = fc.integer({ min: 1, max: 6 });

const row = fc.record({
  fields: fc.record({
    command: commandText,
    response: nullable(commandText),
    note: nullable(commandText),
    tags: nullable(fc.uniqueArray(fc.constantFrom("prod", "rede", "Ação!"), { minLength: 1 })),
    scope: fc.constantFrom("global", "user", "machine"),
    user,
    kind: fc.constantFrom("command", "chat"),
    session_id: nullable(fc.constantFrom("s1", "s2")),
    cwd: nullable(fc.constantFrom("/", "/home")),
    exit_code: nullable(fc.constantFrom(0, 1)),
    timestamp: time,
    deleted_at: rarely(7),
    purged_at: rarely(8),
  }),
  machineId: machine,
  rev: fc.oneof(fc.constant(null), fc.nat(99)),
  edited: fc.boolean(),
});

export const rows: fc.Arbitrary<Row[]> = fc.array(row, { maxLength: 30, size: "max" }).map((all) =>
  all.map(({ fields, machineId, rev, edited }, index) => ({
    version: entryVersion(`id-${index}`, fields, { machineId }),
    rev,
    base: rev !== null && edited ? { note: null } : null,
  })),
);

const maybe = <T>(of: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: of });

export const filter: fc.Arbitrary<HistoryFilter> = fc.record({
  mode: fc.constantFrom("global", "user", "machine", "hybrid"),
  viewer: fc.record({ machineId: fc.constantFrom("machine-a", "machine-b", "machine-none"), user }),
  user: maybe(fc.constantFrom("ana", "rui", "nobody")),
  machine: maybe(fc.constantFrom("machine-a", "machine-b", "machine-none")),
  session: maybe(fc.constantFrom("s1", "s2")),
  cwd: maybe(fc.constantFrom("/", "/home", "/hom")),
  kind: maybe(fc.constantFrom("command", "chat")),
  tag: maybe(fc.constantFrom("prod", "rede", "Ação!", "pro")),
  exit_code: maybe(fc.constantFrom(0, 1)),
  since: maybe(time),
  until: maybe(time),
});

/** What a filter means, said a second time and without SQL. */
export function matches({ version: { fields: f, machineId } }: Row, by: HistoryFilter): boolean {
  if (f.deleted_at !== null || f.purged_at !== null) return false;
  const mine = by.viewer.user !== null && f.user === by.viewer.user;
  const lens = {
    global: f.scope === "global",
    user: mine && f.scope !== "machine",
    machine: machineId === by.viewer.machineId,
    hybrid: f.scope === "global" || machineId === by.viewer.machineId || (mine && f.scope === "user"),
  }[by.mode];
  const tags = (f.tags ?? []) as string[];
  const at = f.timestamp as number;
  return (
    lens &&
    (by.user === undefined || f.user === by.user) &&
    (by.machine === undefined || machineId === by.machine) &&
    (by.session === undefined || f.session_id === by.session) &&
    (by.cwd === undefined || f.cwd === by.cwd) &&
    (by.kind === undefined || f.kind === by.kind) &&
    (by.tag === undefined || tags.includes(by.tag)) &&
    (by.exit_code === undefined || f.exit_code === by.exit_code) &&
    (by.since === undefined || at >= by.since) &&
    (by.until === undefined || at < by.until)
  );
}

/** Makes the cache hold these entries and no others, in this order of arrival. */
export function fill(store: Store, all: readonly Row[]): Promise<void> {
  return store.write.run((tx) => {
    for (let index = 0; tx.records.get("history", `id-${index}`) !== null; index++) {
      tx.records.drop("history", `id-${index}`);
    }
    for (const each of all) tx.records.put(each);
  });
}
