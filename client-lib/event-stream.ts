import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import type { StreamEvent } from "./protocol/events.ts";
import { ApiError, DaemonUnavailableError, describe, toAnswer } from "./transport.ts";

const SILENT = "HD_SILENT";

interface EventStreamOptions {
  socket: string;
  path: string;
  signal?: AbortSignal | undefined;
  /** The daemon says something every 15 s: when it has been silent for this long, it is gone. */
  silenceMs?: number;
}

/**
 * Server-sent events as they come, on a connection of their own. Ends where the daemon ends the stream.
 * @throws ApiError, DaemonUnavailableError, or the reason of `signal`
 */
export async function* readEvents(options: EventStreamOptions): AsyncGenerator<StreamEvent, void, undefined> {
  const { socket, signal, silenceMs = 45_000 } = options;
  signal?.throwIfAborted();
  let response: IncomingMessage | null = null;
  try {
    response = await open(options, silenceMs);
    if (response.statusCode !== 200)
      toAnswer({ statusCode: response.statusCode ?? 0, text: await text(response) }, socket);
    yield* parse(response);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof ApiError || error instanceof DaemonUnavailableError) throw error;
    const cause = error as NodeJS.ErrnoException;
    const trouble =
      cause.code === SILENT
        ? { what: cause.message, advice: "its log says what it is busy with" }
        : describe(cause);
    throw new DaemonUnavailableError(socket, trouble, { cause });
  } finally {
    response?.destroy();
  }
}

function open({ socket, path, signal }: EventStreamOptions, silenceMs: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const call = request({
      socketPath: socket,
      path,
      agent: false,
      timeout: silenceMs,
      ...(signal === undefined ? {} : { signal }),
    });
    let answer: IncomingMessage | null = null;
    call.on("response", (response) => {
      answer = response;
      resolve(response);
    });
    // Also once it has answered: it is the answer that breaks then, and says so.
    call.on("error", reject);
    call.on("timeout", () => {
      const silent = new Error(`historyd said nothing for ${silenceMs} ms`);
      // The answer, where there is one: it would only say that the call was destroyed.
      (answer ?? call).destroy(Object.assign(silent, { code: SILENT }));
    });
    call.end();
  });
}

/** What the daemon sends of the format (WHATWG HTML, section 9.2.6): one line of data an event, and comments. */
async function* parse(response: IncomingMessage): AsyncGenerator<StreamEvent, void, undefined> {
  response.setEncoding("utf8");
  let rest = "";
  for await (const part of response as AsyncIterable<string>) {
    const blocks = (rest + part).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = new Map(block.split("\n").map(toField));
      const [type, data] = [fields.get("event"), fields.get("data")];
      // An event that a newer daemon added arrives too; whoever does not know its type ignores it.
      if (type !== undefined && data !== undefined)
        yield { type, data: JSON.parse(data) as unknown } as StreamEvent;
    }
  }
}

function toField(line: string): [name: string, value: string] {
  const colon = line.indexOf(":");
  if (colon === -1) return [line, ""];
  const value = line.slice(colon + 1);
  return [line.slice(0, colon), value.startsWith(" ") ? value.slice(1) : value];
}
