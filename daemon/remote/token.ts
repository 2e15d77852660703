import { readFileSync } from "node:fs";
import { RemoteError } from "./remote.ts";

/** Where the token comes from. */
export type TokenSource =
  | { kind: "none" }
  | { kind: "value"; value: string }
  | { kind: "file"; file: string };

/** The token as it is now: a file is read anew, so that a rotated token is taken up. @throws RemoteError */
export function readToken(source: TokenSource): string | null {
  if (source.kind === "none") return null;
  if (source.kind === "value") return checked(source.value, "the configured token");
  return checked(readTokenFile(source.file), `the token in ${source.file}`);
}

function readTokenFile(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    const message = `the token file ${file} cannot be read (${(cause as NodeJS.ErrnoException).code ?? "error"})`;
    throw new RemoteError("unauthorized", "HD_TOKEN_FILE", message, { cause });
  }
}

/** What is no header value would be refused later, by an error that prints it. */
function checked(token: string, what: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  const message = `${what} is not what a token is: expected one line of printable characters without spaces`;
  throw new RemoteError("unauthorized", "HD_TOKEN", message);
}
