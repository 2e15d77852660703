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
    file: "daemon/remote/statements.js",
    from: " WHERE records.rev IS excluded.base_rev",
    to: "",
  },
  {
    breaks: "the cursor moves only past what was pulled",
    file: "daemon/sync/pull.js",
    from: "answer.complete ? revAfter : ",
    to: "true ? revAfter : ",
  },
  {
    breaks: "acknowledged is only what the read-back shows in our version",
    file: "daemon/sync/push.js",
    from: "theirs === undefined || theirs.hlc !== sent.hlc",
    to: "theirs === undefined",
  },
  {
    breaks: "unsent edits are merged against the base they started from",
    file: "daemon/sync/apply-page.js",
    from: "return stored.base === null ? null : { ...stored.version.fields, ...stored.base };",
    to: "return null;",
  },
  {
    breaks: "an edit made while its earlier version was under way is still to be sent",
    file: "daemon/sync/push.js",
    from: "rebase(tx, sent, theirs.rev);",
    to: "tx.outbox.remove(sent.id);",
  },
  {
    breaks: "the later write of a field wins",
    file: "daemon/core/merge.js",
    from: "localClock > remoteClock",
    to: "localClock < remoteClock",
  },
  {
    breaks: "the losing value is kept in a conflict record",
    file: "daemon/sync/apply-page.js",
    from: "for (const conflict of merged.conflicts) {",
    to: "for (const conflict of []) {",
  },
];

/** Seeds that a mutation may survive before it counts as unnoticed. */
const SEEDS = 150;

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
    const { code: status } = await running.exited;
    return status === 1 && running.stdout.some((line) => line.includes("✗"));
  } finally {
    copy.remove();
  }
}
