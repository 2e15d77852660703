import { describe, expect, it } from "vitest";
import { load, problemOf } from "./load.ts";

const socketOf = (env: Record<string, string>, args: string[] = []) => {
  const { socket, ownsSocketFolder } = load({ env, args });
  return [socket, ownsSocketFolder];
};

describe("the home folder", () => {
  it.each<[Record<string, string>, string[], string]>([
    [{}, [], "/home/ana/.mcp-terminal"],
    [{ HISTORYD_HOME: "/srv/history" }, [], "/srv/history"],
    [{ HISTORYD_HOME: "" }, [], "/home/ana/.mcp-terminal"],
    [{ HISTORYD_HOME: "/srv//x/../history/" }, [], "/srv/history"],
    [{ HISTORYD_HOME: "/srv/history" }, ["--home", "/flag"], "/flag"],
  ])("of %j %j is %s", (env, args, home) => {
    expect(load({ env, args }).home).toBe(home);
  });

  it("is absolute, whatever was said", () => {
    expect(load({ env: { HISTORYD_HOME: "history" } }).home).toBe(`${process.cwd()}/history`);
  });

  it("must be known", () => {
    expect(problemOf({ env: { HOME: "" } })).toMatch(
      /neither HISTORYD_HOME nor HOME is set: set HISTORYD_HOME/,
    );
  });

  it("decides which config.json is read", () => {
    const files = { "/srv/history/config.json": '{"user":"eva"}' };
    expect(load({ env: { HISTORYD_HOME: "/srv/history" }, files }).user).toBe("eva");
    expect(load({ files }).user).toBe(null);
    expect(load({ args: ["--home", "/srv/history"], files }).user).toBe("eva");
  });
});

describe("the socket", () => {
  it.each<[Record<string, string>, string[], string, boolean]>([
    [{}, [], "/home/ana/.mcp-terminal/run/historyd.sock", true],
    [{ HISTORYD_HOME: "/srv/h" }, [], "/srv/h/run/historyd.sock", true],
    [
      { HISTORYD_HOME: "/srv/h", XDG_RUNTIME_DIR: "/run/user/1" },
      [],
      "/run/user/1/historyd/historyd.sock",
      true,
    ],
    [{ XDG_RUNTIME_DIR: "/run/user/1", HISTORYD_SOCKET: "/run/h.sock" }, [], "/run/h.sock", false],
    [{ XDG_RUNTIME_DIR: "", HISTORYD_SOCKET: "" }, [], "/home/ana/.mcp-terminal/run/historyd.sock", true],
    [{ HISTORYD_SOCKET: "/run/h.sock" }, ["--socket", "/flag.sock"], "/flag.sock", false],
    [{}, ["--home", "/flag"], "/flag/run/historyd.sock", true],
  ])("of %j %j is %s", (env, args, socket, ours) => {
    expect(socketOf(env, args)).toEqual([socket, ours]);
  });
});
