import { describe, expect, it } from "vitest";
import { helpText, parseFlags } from "../../daemon/config/flags.ts";
import { SETTINGS } from "../../daemon/config/settings.ts";
import type { Setting } from "../../daemon/config/setting.ts";

const settings = Object.values(SETTINGS as Record<string, Setting<unknown>>);

describe("the command line", () => {
  it.each([
    [["--help"], "help"],
    [["-h"], "help"],
    [["--version"], "version"],
    [["-v"], "version"],
    [["--mode", "user", "--help"], "help"],
    [[], "run"],
  ])("%j", (args, kind) => {
    expect(parseFlags(args).kind).toBe(kind);
  });

  it("takes = as well as a space, and the last of several", () => {
    expect(parseFlags(["--mode=user", "--mode", "hybrid", "--home=/x"])).toEqual({
      kind: "run",
      flags: { home: "/x", socket: undefined, settings: { mode: "hybrid" } },
    });
  });

  it("has no flag for a secret: everybody can read a command line", () => {
    for (const setting of settings.filter(({ key }) => /token$|secret|password/.test(key))) {
      expect(setting.flag).toBe(undefined);
    }
  });
});

describe("the help", () => {
  it("names every flag with its variable", () => {
    const help = helpText();
    for (const { flag, env } of settings.filter((setting) => setting.flag !== undefined)) {
      expect(help).toMatch(new RegExp(`--${flag} .*\\(${env}\\)`));
    }
    expect(help).toContain("HISTORYD_HOME");
    expect(help).toContain("HISTORYD_SOCKET");
  });
});

describe("every setting", () => {
  it("has a key, a variable and a flag that no other has", () => {
    for (const names of [
      settings.map(({ key }) => key),
      settings.flatMap(({ env, envAlias }) => [env, ...(envAlias === undefined ? [] : [envAlias.name])]),
      settings.flatMap(({ flag }) => flag ?? []),
    ]) {
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it("has a default that it would accept itself", () => {
    for (const { type, fallback } of settings.filter((setting) => setting.fallback !== undefined)) {
      expect(type.fromJson(fallback)).toBe(fallback);
    }
  });
});
