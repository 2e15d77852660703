import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const project = resolve(import.meta.dirname, "../..");

/** A line planted in a copy of the layout, and the rule that must report it; without a rule it must pass. */
interface Plant {
  file: string;
  code: string;
  rule?: string;
}

const refused = (rule: string, file: string, codes: string[]): Plant[] =>
  codes.map((code) => ({ rule, file, code }));
const accepted = (file: string, codes: string[]): Plant[] => codes.map((code) => ({ file, code }));

// Re-exports use what they import, so nothing but the rule in question has a reason to complain.
const value = (from: string): string => `export { thing } from "${from}";`;
const type = (from: string): string => `export type { Thing } from "${from}";`;
const dynamic = (from: string): string => `export const load = (): Promise<unknown> => import("${from}");`;
const home = 'export const home = process.env["HOME"];';

const imports = "eslint(no-restricted-imports)";
const properties = "eslint(no-restricted-properties)";
const globals = "eslint(no-restricted-globals)";

const rooms = [
  "config",
  "core",
  "http",
  "http/routes",
  "intake",
  "jobs",
  "remote",
  "store",
  "supervisor",
  "sync",
];
const without = (room: string): string[] => [
  "daemon/*.ts",
  "client-lib/*.ts",
  "client-lib/cli/*.ts",
  "client-lib/protocol/*.ts",
  ...rooms.filter((other) => other !== room).map((other) => `daemon/${other}/*.ts`),
];

/** One plant a line below; `*` becomes a number, so that each has a file of its own. */
const plants: Record<string, Plant[]> = {
  "core imports nothing of ours and is pure": [
    ...refused(imports, "daemon/core/*.ts", [
      value("../store/a.ts"),
      type("../store/a.ts"),
      dynamic("../daemon.ts"),
    ]),
    ...refused(imports, "daemon/core/*.ts", [
      type("../../client-lib/protocol/a.ts"),
      value("node:fs/promises"),
    ]),
    ...refused(properties, "daemon/core/*.ts", [
      "export const t = Date.now();",
      "export const r = Math.random();",
    ]),
    ...accepted("daemon/core/*.ts", [value("./entry.ts"), value("node:crypto")]),
  ],
  "protocol imports nothing of ours": [
    ...refused(imports, "client-lib/protocol/*.ts", [value("../client.ts"), type("../../daemon/core/a.ts")]),
    ...refused(imports, "client-lib/protocol/*.ts", [value("node:fs"), value("node:fs/promises")]),
    ...accepted("client-lib/protocol/*.ts", [value("./entry.ts"), value("typebox")]),
  ],
  "client-lib never imports the daemon": [
    ...refused(imports, "client-lib/*.ts", [value("../daemon/core/a.ts"), type("../daemon/core/a.ts")]),
    ...refused(imports, "client-lib/cli/*.ts", [
      value("../../daemon/core/a.ts"),
      dynamic("../../daemon/main.ts"),
    ]),
    ...accepted("client-lib/cli/*.ts", [value("../client.ts"), value("../protocol/entry.ts")]),
  ],
  "store, remote and supervisor import core": ["store", "remote", "supervisor"].flatMap((room) => [
    ...refused(imports, `daemon/${room}/*.ts`, [
      value("../http/a.ts"),
      type("../sync/a.ts"),
      value("../daemon.ts"),
    ]),
    ...refused(imports, `daemon/${room}/*.ts`, [value("../../client-lib/protocol/a.ts")]),
    ...refused(imports, `daemon/${room}/*.ts`, [value("../../client-lib/client.ts")]),
    ...accepted(`daemon/${room}/*.ts`, [value("./a.ts"), value("../core/a.ts")]),
    ...accepted(`daemon/${room}/*.ts`, [type("../../client-lib/protocol/a.ts")]),
    ...accepted(`daemon/${room}/*.ts`, [value("../../client-lib/package-root.ts")]),
  ]),
  "store and remote do not know each other": [
    ...refused(imports, "daemon/store/*.ts", [type("../remote/remote.ts")]),
    ...refused(imports, "daemon/remote/*.ts", [type("../store/store.ts")]),
  ],
  "sync imports core and its two ports": [
    ...refused(imports, "daemon/sync/*.ts", [
      value("../http/a.ts"),
      type("../http/a.ts"),
      value("../remote/libsql.ts"),
    ]),
    ...refused(imports, "daemon/sync/*.ts", [value("../store/store.ts"), type("../store/database.ts")]),
    ...refused(imports, "daemon/sync/*.ts", [value("../../client-lib/protocol/sync.ts")]),
    ...accepted("daemon/sync/*.ts", [
      value("./push.ts"),
      value("../core/a.ts"),
      value("../remote/remote.ts"),
    ]),
    ...accepted("daemon/sync/*.ts", [type("../store/store.ts"), type("../store/writer.ts")]),
    ...accepted("daemon/sync/*.ts", [type("../../client-lib/protocol/sync.ts")]),
  ],
  "http, intake and jobs are given their handles": [
    ...["http", "intake", "jobs"].flatMap((room) => [
      ...refused(imports, `daemon/${room}/*.ts`, [value("../store/a.ts"), value("../sync/service.ts")]),
      ...refused(imports, `daemon/${room}/*.ts`, [type("../sync/push.ts"), type("../remote/libsql.ts")]),
      ...refused(imports, `daemon/${room}/*.ts`, [type("../daemon.ts"), value("../remote/remote.ts")]),
      ...accepted(`daemon/${room}/*.ts`, [value("../core/a.ts"), value("../../client-lib/protocol/a.ts")]),
      ...accepted(`daemon/${room}/*.ts`, [type("../store/a.ts"), type("../sync/service.ts")]),
      ...accepted(`daemon/${room}/*.ts`, [type("../remote/remote.ts")]),
    ]),
    ...refused(imports, "daemon/http/routes/*.ts", [value("../../store/a.ts"), type("../../sync/push.ts")]),
    ...refused(imports, "daemon/http/routes/*.ts", [type("../../remote/libsql.ts"), type("../../daemon.ts")]),
    ...refused(imports, "daemon/http/routes/*.ts", [value("../../remote/remote.ts")]),
    ...refused(imports, "daemon/http/routes/*.ts", [value("../../sync/service.ts")]),
    ...accepted("daemon/http/routes/*.ts", [value("../server.ts"), value("../../core/a.ts")]),
    ...accepted("daemon/http/routes/*.ts", [value("../../../client-lib/protocol/a.ts")]),
    ...accepted("daemon/http/routes/*.ts", [type("../../store/a.ts"), type("../../sync/service.ts")]),
  ],
  "system serves the two at the top": [
    ...refused(imports, "daemon/system/*.ts", [value("../store/a.ts"), type("../sync/a.ts")]),
    ...refused(imports, "daemon/system/*.ts", [value("../config/settings.ts"), type("../config/config.ts")]),
    ...accepted("daemon/system/*.ts", [value("../core/a.ts"), type("../config/settings.ts")]),
  ],
  "config is read first": [
    ...refused(imports, "daemon/config/*.ts", [value("../store/a.ts"), type("../http/a.ts")]),
    ...accepted("daemon/config/*.ts", [value("../core/a.ts"), value("../../client-lib/paths.ts")]),
  ],
  "better-sqlite3 belongs to store, @libsql/client to remote": [
    ...without("store").flatMap((file) =>
      refused(imports, file, [value("better-sqlite3"), type("better-sqlite3")]),
    ),
    ...without("remote").flatMap((file) =>
      refused(imports, file, [value("@libsql/client"), type("@libsql/client/http")]),
    ),
    ...accepted("daemon/store/*.ts", [value("better-sqlite3")]),
    ...accepted("daemon/remote/*.ts", [value("@libsql/client")]),
    ...accepted("test/store/*.ts", [value("better-sqlite3"), value("@libsql/client")]),
  ],
  "the process belongs to entry files, config and paths": [
    ...without("config").flatMap((file) => [
      ...refused(globals, file, [home, "export const pid = globalThis.process.pid;"]),
      ...refused(imports, file, [value("node:process"), value("process")]),
    ]),
    ...[
      "daemon/main.ts",
      "daemon/config/*.ts",
      "client-lib/cli/main.ts",
      "client-lib/paths.ts",
      "test/*.ts",
    ].flatMap((file) => accepted(file, [home])),
  ],
  "everywhere: no default exports, any, console, forgotten promises": [
    ...["daemon/*.ts", "daemon/http/routes/*.ts", "client-lib/*.ts", "test/*.ts"].flatMap((file) => [
      ...refused("import(no-default-export)", file, ["export default 1;"]),
      ...refused("typescript(no-explicit-any)", file, ["export const f = (loose: any): unknown => loose;"]),
      ...refused("eslint(no-console)", file, ["console.log(1);"]),
      ...refused("typescript(no-floating-promises)", file, ["Promise.resolve(1);"]),
      ...refused("typescript(consistent-type-imports)", file, ['export type A = import("./a.ts").A;']),
    ]),
    ...["client-lib/cli/*.ts", "test/bench/*.ts", "test/demo/*.ts"].flatMap((file) =>
      accepted(file, ["console.log(1);"]),
    ),
  ],
  // A new folder without a boundary of its own would otherwise be free to import everything.
  "every folder of the daemon has a boundary": readdirSync(join(project, "daemon"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((room) => refused(imports, `daemon/${room.name}/*.ts`, [value("../daemon.ts")])),
};

interface Report {
  diagnostics: { code: string; filename: string }[];
}

const numbered = new Map(
  Object.values(plants)
    .flat()
    .map((plant, index) => [plant, plant.file.replace("*", `planted-${index}`)] as const),
);

let tree: string;

function lint(paths: string[]): { exitCode: number | null; codesByFile: Map<string, string[]> } {
  const oxlint = join(project, "node_modules/oxlint/bin/oxlint");
  const { status, stdout, stderr } = spawnSync(process.execPath, [oxlint, "--format=json", ...paths], {
    cwd: tree,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  expect(stderr).toBe("");
  const codesByFile = new Map<string, string[]>();
  for (const { code, filename } of (JSON.parse(stdout) as Report).diagnostics) {
    codesByFile.set(filename, [...(codesByFile.get(filename) ?? []), code]);
  }
  return { exitCode: status, codesByFile };
}

beforeAll(() => {
  // Elsewhere, because a violation in the real tree would fail whoever lints it meanwhile.
  tree = mkdtempSync(join(tmpdir(), "historyd-boundaries-"));
  for (const file of [".oxlintrc.json", "tsconfig.json", "package.json"]) {
    copyFileSync(join(project, file), join(tree, file));
  }
  symlinkSync(join(project, "node_modules"), join(tree, "node_modules"));
  for (const [plant, file] of numbered) {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    writeFileSync(join(tree, file), `${plant.code}\n`);
  }
});

afterAll(() => {
  rmSync(tree, { recursive: true, force: true });
});

describe("planted violations", () => {
  let report: ReturnType<typeof lint>;
  beforeAll(() => {
    report = lint(["client-lib", "daemon", "test"]);
  });

  test("fail the run", () => {
    expect(report.exitCode).toBe(1);
  });

  test.each(Object.entries(plants))("%s", (_, group) => {
    const misjudged = group.flatMap((plant) => {
      const codes = report.codesByFile.get(numbered.get(plant) ?? "") ?? [];
      const isRight = plant.rule === undefined ? codes.length === 0 : codes.includes(plant.rule);
      return isRight ? [] : [{ ...plant, reported: codes }];
    });
    expect(misjudged).toEqual([]);
  });
});

test("a tree with nothing but what is allowed passes", () => {
  const allowed = [...numbered].filter(([plant]) => plant.rule === undefined).map(([, file]) => file);
  expect(lint(allowed)).toEqual({ exitCode: 0, codesByFile: new Map() });
});
