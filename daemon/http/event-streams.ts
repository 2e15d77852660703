import type { ServerResponse } from "node:http";
import type { Timers } from "../core/timers.ts";

/** One client's stream of server-sent events (WHATWG HTML, section 9.2). */
export interface EventStream {
  /** @param data one JSON value */
  send(type: string, data: object): void;
  /** Ends it, as the server does when it closes; the client may connect again. */
  end(): void;
  /** Aborted when nobody listens any more: the client has gone, was too slow, or the stream was ended. */
  readonly over: AbortSignal;
}

/** All the streams of a server. */
export interface EventStreams {
  /** Takes the answer over; nobody else writes to it from then on. */
  open(response: ServerResponse): EventStream;
  /** Ends every stream, and those that are opened later at once. */
  close(): void;
}

/** What is kept for a client that does not read. Past that it is cut off: whoever wants to know asks anew. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/** Without it nobody would notice a client that has gone without a word, nor a client a daemon that has. */
const HEARTBEAT_MS = 15_000;

/** How long a client waits before it connects again, in ms. */
const RETRY_MS = 3000;

export function createEventStreams(timers: Timers): EventStreams {
  const open = new Set<EventStream>();
  let closed = false;

  function openStream(response: ServerResponse): EventStream {
    const ending = new AbortController();
    const over = ending.signal;

    function write(text: string): void {
      if (over.aborted) return;
      response.write(text);
      if (response.writableLength <= MAX_UNREAD_BYTES) return;
      ending.abort();
      response.destroy();
    }

    async function beat(): Promise<void> {
      for (;;) {
        await timers.sleep(HEARTBEAT_MS, over);
        if (over.aborted) return;
        write(":\n\n");
      }
    }

    response.once("close", () => {
      ending.abort();
    });
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      // What follows an endless answer on this connection is never read.
      connection: "close",
    });
    write(`retry: ${RETRY_MS}\n\n`);
    void beat();
    return {
      send(type, data) {
        write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
      },
      end() {
        if (over.aborted) return;
        ending.abort();
        response.end();
        // What the system has taken by then still arrives; a client that does not read would hold up the stop.
        setImmediate(() => response.destroy());
      },
      over,
    };
  }

  return {
    open(response) {
      const stream = openStream(response);
      open.add(stream);
      stream.over.addEventListener("abort", () => open.delete(stream), { once: true });
      if (closed) stream.end();
      return stream;
    },
    close() {
      closed = true;
      for (const stream of open) stream.end();
    },
  };
}
