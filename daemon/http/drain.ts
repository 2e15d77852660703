import type { ServerResponse } from "node:http";
import type { Timers } from "../core/timers.ts";
import type { Server } from "./routes/common.ts";

/**
 * Lets a server that closes finish what is under way: requests whose headers have arrived are read, and answers are
 * sent to their end. Whatever else is connected, and what takes longer than `drainMs`, is cut off. Node alone would
 * wait for ever for a client that sends nothing, and cut off an answer that its client reads slowly.
 */
export function drainOnClose(server: Server, drainMs: number, timers: Timers): void {
  const underWay = new Set<ServerResponse>();
  let onDrained: (() => void) | null = null;
  server.server.on("request", (_request, response: ServerResponse) => {
    underWay.add(response);
    // Once the last byte has gone to the system, or the client has.
    response.once("close", () => {
      underWay.delete(response);
      if (underWay.size === 0) onDrained?.();
    });
  });

  server.addHook("preClose", async () => {
    if (underWay.size > 0) {
      const enough = new AbortController();
      const drained = new Promise<void>((resolve) => {
        onDrained = resolve;
      });
      await Promise.race([drained, timers.sleep(drainMs, enough.signal)]);
      enough.abort();
    }
    server.server.closeAllConnections();
  });
}
