import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";

/** What one process has exchanged with the server so far. */
export interface Traffic {
  /** HTTP requests, the client library's own questions for the server's version included. */
  requests: number;
  /** Answers by HTTP status; a request without an answer is in none. */
  statuses: Record<string, number>;
  connections: number;
  /** Bytes inside TCP: headers and bodies as they travel, bodies compressed where they are. */
  bytesUp: number;
  bytesDown: number;
}

/**
 * Counts all that undici, through which the libSQL adapter speaks, sends and receives in this process, by the channels
 * that it publishes on: neither the product nor the connection between it and the server is touched.
 */
export function watchTraffic(): () => Traffic {
  const open = new Set<Socket>();
  const total: Traffic = { requests: 0, statuses: {}, connections: 0, bytesUp: 0, bytesDown: 0 };

  subscribe("undici:request:create", () => {
    total.requests += 1;
  });
  subscribe("undici:request:headers", (message) => {
    const { statusCode } = (message as { response: { statusCode: number } }).response;
    total.statuses[statusCode] = (total.statuses[statusCode] ?? 0) + 1;
  });
  subscribe("undici:client:connected", (message) => {
    const { socket } = message as { socket: Socket };
    total.connections += 1;
    open.add(socket);
    socket.once("close", () => {
      open.delete(socket);
      total.bytesUp += socket.bytesWritten;
      total.bytesDown += socket.bytesRead;
    });
  });

  return () => {
    const now = { ...total, statuses: { ...total.statuses } };
    for (const socket of open) {
      now.bytesUp += socket.bytesWritten;
      now.bytesDown += socket.bytesRead;
    }
    return now;
  };
}

export function addTraffic(parts: readonly Traffic[]): Traffic {
  const sum: Traffic = { requests: 0, statuses: {}, connections: 0, bytesUp: 0, bytesDown: 0 };
  for (const part of parts) {
    for (const key of ["requests", "connections", "bytesUp", "bytesDown"] as const) sum[key] += part[key];
    for (const [status, count] of Object.entries(part.statuses)) {
      sum.statuses[status] = (sum.statuses[status] ?? 0) + count;
    }
  }
  return sum;
}

/** What was exchanged between two moments. */
export function trafficBetween(before: Traffic, after: Traffic): Traffic {
  const statuses: Record<string, number> = {};
  for (const [status, count] of Object.entries(after.statuses)) {
    const more = count - (before.statuses[status] ?? 0);
    if (more > 0) statuses[status] = more;
  }
  return {
    requests: after.requests - before.requests,
    statuses,
    connections: after.connections - before.connections,
    bytesUp: after.bytesUp - before.bytesUp,
    bytesDown: after.bytesDown - before.bytesDown,
  };
}
