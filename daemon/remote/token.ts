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
  if (source.kind === "value") return source.value;
  try {
    return readFileSync(source.file, "utf8").trim();
  } catch (cause) {
    const message = `the token file ${source.file} cannot be read (${(cause as NodeJS.ErrnoException).code ?? "error"})`;
    throw new RemoteError("unauthorized", "HD_TOKEN_FILE", message, { cause });
  }
}
