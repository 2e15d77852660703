import { isUtf8 } from "node:buffer";
import { ApiError } from "./errors.ts";
import type { Server } from "./routes/common.ts";

/**
 * Makes JSON the only body that is taken, and UTF-8 the only way to write it: Fastify alone would put U+FFFD for
 * every byte that is not, and what was typed would be lost in silence.
 */
export function takeJsonOnly(server: Server): void {
  const parse = server.getDefaultJsonParser("error", "error");
  server.removeAllContentTypeParsers();
  server.addContentTypeParser<Buffer>("application/json", { parseAs: "buffer" }, (request, bytes, done) => {
    if (!isUtf8(bytes)) {
      done(badJson("expected UTF-8, got other bytes"));
      return;
    }
    const text = bytes.toString("utf8");
    void parse(request, text, (error, value) => {
      done(error !== null && text !== "" ? badJson(whyNot(text)) : error, value);
    });
  });
}

function badJson(problem: string): ApiError {
  return new ApiError(400, "HD_BAD_JSON", `the body is not JSON as expected: ${problem}`);
}

/** Asks once more why the text was refused, as Fastify does not say. */
function whyNot(text: string): string {
  try {
    JSON.parse(text);
    return "a key '__proto__' or 'constructor' is refused";
  } catch (error) {
    // Without the excerpt that V8 adds.
    return (error as Error).message.replace(/, (\.\.\.)?".*$/su, "");
  }
}
