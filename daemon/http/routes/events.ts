import {
  EVENT_TYPES,
  EventsQuery,
  type EventType,
  StreamEvent,
  type SyncEvent,
} from "../../../client-lib/protocol/events.ts";
import type { DaemonEvent, EventBus } from "../../core/events.ts";
import type { Timers } from "../../core/timers.ts";
import type { EventStream, EventStreams } from "../event-streams.ts";
import { ERRORS, type Server } from "./common.ts";
import type { SyncRoutes } from "./sync.ts";

export interface EventRoutes extends SyncRoutes {
  events: Pick<EventBus<DaemonEvent>, "subscribe">;
  streams: EventStreams;
  timers: Timers;
}

/** The state of sync is told at most this often to one client: while many entries come in, every commit changes it. */
const SYNC_PAUSE_MS = 100;

export function registerEventRoutes(server: Server, options: EventRoutes): void {
  server.get(
    "/v1/events",
    {
      schema: {
        tags: ["events"],
        summary: "What happens, as it happens: server-sent events",
        description:
          "Begins with a `sync` event that says how things stand. A comment comes every 15 s. Events are not kept: after a break, ask for what you show anew. A client with more than 1 MiB unread is cut off.",
        querystring: EventsQuery,
        response: {
          200: {
            description:
              "An endless `text/event-stream`. The schema is that of one event: `type` is its `event` line, `data` its `data` line, which is JSON.",
            content: { "text/event-stream": { schema: StreamEvent } },
          },
          ...ERRORS,
        },
      },
    },
    (request, reply) => {
      const types = new Set(request.query.types?.split(",") ?? EVENT_TYPES);
      // The stream answers; Fastify would wait for a whole answer.
      reply.hijack();
      follow(options.streams.open(reply.raw), (type) => types.has(type), options);
    },
  );
}

function follow(stream: EventStream, wants: (type: EventType) => boolean, options: EventRoutes): void {
  const look = wants("sync") ? watchSync(stream, options) : () => undefined;
  look();
  const unsubscribe = options.events.subscribe((event) => {
    for (const { type, data } of toStreamEvents(event)) if (wants(type)) stream.send(type, data);
    look();
  });
  stream.over.addEventListener("abort", unsubscribe, { once: true });
  if (stream.over.aborted) unsubscribe();
}

/** @returns looks at the state of sync, and sends it where it is another one than was sent */
function watchSync(stream: EventStream, { sync, timers }: EventRoutes): () => void {
  let sent = "";
  let resting = false;
  let looksAgain = false;

  function sendIfChanged(): void {
    const { state, pending, first_sync } = sync.status();
    const data: SyncEvent = { state, pending, first_sync };
    const text = JSON.stringify(data);
    if (text !== sent) stream.send("sync", data);
    sent = text;
  }

  async function rest(): Promise<void> {
    resting = true;
    await timers.sleep(SYNC_PAUSE_MS, stream.over);
    resting = false;
    if (!looksAgain || stream.over.aborted) return;
    looksAgain = false;
    look();
  }

  function look(): void {
    if (resting) {
      looksAgain = true;
      return;
    }
    try {
      sendIfChanged();
    } catch {
      // The cache cannot be read: whoever listens sees that something is wrong, and connects again.
      stream.end();
      return;
    }
    void rest();
  }

  return look;
}

function toStreamEvents(event: DaemonEvent): StreamEvent[] {
  switch (event.type) {
    case "written":
      return event.ids.map((id) => ({ type: "entry", data: { id, action: event.action } }));
    case "entries":
      return event.ids.map((id) => ({ type: "entry", data: { id, action: "received" } }));
    case "conflict": {
      const { id, record_id, field } = event;
      return [{ type: "conflict", data: { id, record_id, field } }];
    }
    case "reconciled":
      return [{ type: "reconcile", data: { outcome: event.outcome } }];
    // What these two change shows in the state of sync.
    case "identity":
    case "remote":
    case "sync":
      return [];
  }
}
