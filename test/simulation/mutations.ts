import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../client-lib/package-root.ts";
import { startProcess } from "../support/processes.ts";
import { tempDir } from "../support/temp.ts";

/** A promise of the engine, and how to break it: the text in the compiled file, and what stands there instead. */
interface Mutation {
  breaks: string;
  file: string;
  from: string;
  to: string;
}

const MUTATIONS: readonly Mutation[] = [
  {
    breaks: "compare-and-set on the base revision",
    file: "daemon/remote/push-statements.js",
    from: "(records.rev IS excluded.base_rev OR",
    to: "(1 OR",
  },
  {
    breaks: "the cursor moves only past what was pulled",
    file: "daemon/sync/settle.js",
    from: '"cursor", answer.complete ?',
    to: '"cursor", true ?',
  },
  {
    breaks: "acknowledged is only what the read-back shows in our version",
    file: "daemon/sync/push.js",
    from: "theirs === undefined || theirs.hlc !== sent.hlc || theirs.digest !== batch.records[place]?.digest",
    to: "theirs === undefined",
  },
  {
    breaks: "unsent edits are merged against the base they started from",
    file: "daemon/sync/apply-record.js",
    from: "return { ...stored.version.fields, ...stored.base };",
    to: "return null;",
  },
  {
    breaks: "an edit made while its earlier version was under way is still to be sent",
    file: "daemon/sync/push.js",
    from: "            rebase(tx, sent, theirs.rev);",
    to: "            tx.outbox.remove(sent.id);",
  },
  {
    breaks: "the later write of a field wins",
    file: "daemon/core/merge.js",
    from: "localClock > remoteClock",
    to: "localClock < remoteClock",
  },
  {
    breaks: "the losing value is kept in a conflict record",
    file: "daemon/sync/apply-record.js",
    from: 'local.kind === "conflict" ? [] : merged.conflicts',
    to: "[]",
  },
  {
    breaks: "a machine that was away longer than deletes are remembered compares before it pushes",
    file: "daemon/sync/settle.js",
    from: "cursor < gcFloor && hasRevisions",
    to: "false",
  },
  {
    breaks: "what the remote has collected goes from every cache",
    file: "daemon/sync/settle.js",
    from: "tx.records.dropCollected(collectedBefore, gcFloor);",
    to: "",
  },
  {
    breaks: "a remote that was restored from an older copy is noticed by its marks",
    file: "daemon/remote/facts.js",
    from: "knowsMark: row.knows_mark === 1",
    to: "knowsMark: true",
  },
  {
    breaks: "what a restored remote has lost is sent again",
    file: "daemon/sync/mend.js",
    from: "tx.records.forgetRevisions(common, now);",
    to: "",
  },
  {
    breaks: "everything is sent to a remote that replaced another",
    file: "daemon/sync/mend.js",
    from: "tx.records.forgetRevisions(0, now);",
    to: "",
  },
  {
    breaks: "of two that live under one identity one takes another",
    file: "daemon/sync/mend.js",
    from: "const clone = copied || contested;",
    to: "const clone = false;",
  },
  {
    breaks: "a stamp from the future is given up before it leaves",
    file: "daemon/sync/clock.js",
    from: "hlcToMs(tx.clock.last()) > limit",
    to: "false",
  },
  {
    breaks: "a purge wins over every edit",
    file: "daemon/core/merge.js",
    from: "if (isPurged(remote.fields))",
    to: "if (false)",
  },
  {
    breaks: "a purge erases what conflicts keep of the record",
    file: "daemon/sync/apply-record.js",
    from: "        purgeConflicts(tx, version.id, applier);",
    to: "",
  },
  {
    breaks: "a first sync goes on until the oldest record",
    file: "daemon/sync/settle.js",
    from: "return complete ? null :",
    to: "return true ? null :",
  },
  {
    breaks: "unsent edits of a record that goes out of sight are kept",
    file: "daemon/sync/withdraw.js",
    from: "for (const field of edited)",
    to: "for (const field of [])",
  },
];

/** Seeds that a mutation may survive before it counts as unnoticed. */
const SEEDS = 400;

/** How long the seeds of one mutation may take; about twice as long as those of a sound engine. */
const PATIENCE_MS = 240_000;

/**
 * Breaks a copy of the compiled engine, one mutation at a time, and runs the simulation on it.
 * @returns the exit code: 0 where every mutation made the simulation fail
 */
export async function checkMutations(): Promise<number> {
  let unnoticed = 0;
  for (const mutation of MUTATIONS) {
    const noticed = await failsWith(mutation);
    if (!noticed) unnoticed += 1;
    console.log(`${noticed ? "noticed  " : "UNNOTICED"} broken: ${mutation.breaks}`);
  }
  console.log(`${MUTATIONS.length - unnoticed} mutations noticed, ${unnoticed} unnoticed`);
  return unnoticed > 0 ? 1 : 0;
}

async function failsWith({ file, from, to }: Mutation): Promise<boolean> {
  const copy = tempDir("mut");
  try {
    for (const name of ["dist", "migrations", "package.json"]) {
      cpSync(join(packageRoot, name), join(copy.path, name), { recursive: true });
    }
    symlinkSync(join(packageRoot, "node_modules"), join(copy.path, "node_modules"));
    const target = join(copy.path, "dist", file);
    const code = readFileSync(target, "utf8");
    if (!code.includes(from))
      throw new Error(`expected '${from}' in ${file}: the mutation must follow the code`);
    writeFileSync(target, code.replace(from, to));
    mkdirSync(join(copy.path, "tmp"));
    const running = await startProcess(
      process.execPath,
      [join(copy.path, "dist/test/simulation/main.js"), "--seeds", String(SEEDS), "--first-failure"],
      { env: { PATH: process.env["PATH"] ?? "", TMPDIR: join(copy.path, "tmp") } },
    );
    // An engine that never ends a cycle is noticed as well.
    let isEndless = false;
    const timer = setTimeout(() => {
      isEndless = true;
      running.signal("SIGKILL");
    }, PATIENCE_MS);
    const { code: status } = await running.exited;
    clearTimeout(timer);
    return isEndless || (status === 1 && running.stdout.some((line) => line.includes("✗")));
  } finally {
    copy.remove();
  }
}
