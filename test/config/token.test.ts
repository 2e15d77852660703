import { describe, expect, it } from "vitest";
import { type Given, load, problemOf } from "./load.ts";

const URL = { TURSO_DATABASE_URL: "https://db.example" };
const CREDENTIAL = "/run/credentials/historyd.service/turso-auth-token";
const CREDENTIALS = { CREDENTIALS_DIRECTORY: "/run/credentials/historyd.service" };

function tokenOf({ env, ...rest }: Given): unknown {
  return load({ env: { ...URL, ...env }, ...rest }).remote?.token;
}

const value = (text: string) => ({ kind: "value", value: text });
const file = (path: string) => ({ kind: "file", file: path });

describe("the token", () => {
  it("is none where nobody gives one", () => {
    expect(tokenOf({})).toEqual({ kind: "none" });
  });

  it.each<[string, Given, unknown]>([
    ["a variable", { env: { TURSO_AUTH_TOKEN: "t" } }, value("t")],
    ["a file named by a variable", { env: { TURSO_AUTH_TOKEN_FILE: "/run/t" } }, file("/run/t")],
    ["a file named by a flag", { args: ["--token-file", "/run/t"] }, file("/run/t")],
    ["config.json", { file: { remote: { auth_token: "t" } } }, value("t")],
    ["a file named in config.json", { file: { remote: { auth_token_file: "/run/t" } } }, file("/run/t")],
    ["a credential of systemd", { env: CREDENTIALS, files: { [CREDENTIAL]: "t" } }, file(CREDENTIAL)],
  ])("comes from %s", (_, given, expected) => {
    expect(tokenOf(given)).toEqual(expected);
  });

  it("comes from the strongest that gives one: flags, environment, credential, config.json", () => {
    const everything = {
      args: ["--token-file", "/flag"],
      env: { TURSO_AUTH_TOKEN: "env", ...CREDENTIALS },
      files: { [CREDENTIAL]: "credential" },
      file: { remote: { auth_token: "config" } },
    };
    expect(tokenOf(everything)).toEqual(file("/flag"));
    expect(tokenOf({ ...everything, args: [] })).toEqual(value("env"));
    expect(tokenOf({ ...everything, args: [], env: CREDENTIALS })).toEqual(file(CREDENTIAL));
    expect(tokenOf({ ...everything, args: [], env: CREDENTIALS, files: {} })).toEqual(value("config"));
  });

  it("is the value where one layer gives a value and a file", () => {
    expect(tokenOf({ env: { TURSO_AUTH_TOKEN: "t", TURSO_AUTH_TOKEN_FILE: "/run/t" } })).toEqual(value("t"));
  });

  it("in an empty variable is none: the next layer counts", () => {
    const config = { remote: { auth_token: "config" } };
    expect(tokenOf({ env: { TURSO_AUTH_TOKEN: "", TURSO_AUTH_TOKEN_FILE: "" }, file: config })).toEqual(
      value("config"),
    );
  });

  it("is of no use without an address", () => {
    expect(load({ env: { TURSO_AUTH_TOKEN: "t" } }).remote).toBe(null);
  });

  it.each([{ env: { TURSO_AUTH_TOKEN: " \n" } }, { file: { remote: { auth_token: "" } } }])(
    "is not blank: %j",
    (given) => {
      expect(problemOf(given)).toContain("expected a token, got something else");
    },
  );
});
