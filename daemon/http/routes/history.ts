import { Entry, EntryPatch, NewEntry } from "../../../client-lib/protocol/entry.ts";
import {
  EntryPage,
  EntryParams,
  ListQuery,
  NewEntryBatch,
  Purged,
  StoredBatch,
} from "../../../client-lib/protocol/history.ts";
import { DEFAULT_LIST_LIMIT, MAX_BATCH_BODY_BYTES } from "../../../client-lib/protocol/limits.ts";
import type { Recorder } from "../../intake/recorder.ts";
import type { HistoryReads } from "../../store/history-reads.ts";
import type { storedToEntry } from "../../store/history-row.ts";
import { createCursor } from "../cursor.ts";
import { ApiError } from "../errors.ts";
import { ERRORS, type Perspective, toFilter, type Server } from "./common.ts";

export interface HistoryRoutes {
  recorder: Recorder;
  history: HistoryReads;
  perspective: Perspective;
  toEntry: typeof storedToEntry;
}

const TAGS = ["history"];

export function registerHistoryRoutes(server: Server, options: HistoryRoutes): void {
  const { recorder, history, perspective, toEntry } = options;
  const cursors = createCursor("1");

  server.post(
    "/v1/history",
    {
      schema: {
        tags: TAGS,
        summary: "Record an entry",
        description:
          "Answers when the entry is on disk, without waiting for the network. Send an `id` to make the request safe to repeat: the same id and content again answers 200, other content 409.",
        body: NewEntry,
        response: { 200: Entry, 201: Entry, ...ERRORS },
      },
    },
    async (request, reply) => {
      const { stored, created } = await recorder.record(request.body);
      return reply.status(created ? 201 : 200).send(toEntry(stored));
    },
  );

  server.post(
    "/v1/history/batch",
    {
      bodyLimit: MAX_BATCH_BODY_BYTES,
      schema: {
        tags: TAGS,
        summary: "Record many entries, all or nothing",
        description: "201 where at least one is new, 200 where all were there already.",
        body: NewEntryBatch,
        response: { 200: StoredBatch, 201: StoredBatch, ...ERRORS },
      },
    },
    async (request, reply) => {
      const recorded = await recorder.recordAll(request.body.entries);
      const created = recorded.filter((one) => one.created).length;
      const entries = recorded.map(({ stored }) => toEntry(stored));
      return reply.status(created > 0 ? 201 : 200).send({ entries, created });
    },
  );

  server.get(
    "/v1/history",
    {
      schema: {
        tags: TAGS,
        summary: "List entries, newest first",
        description:
          "A page ends before `limit` where its entries hold more than 16 Mi (2^24) characters of text; `next_cursor` then leads to the rest.",
        querystring: ListQuery,
        response: { 200: EntryPage, ...ERRORS },
      },
    },
    (request) => {
      const { limit = DEFAULT_LIST_LIMIT, cursor } = request.query;
      const page = history.list(toFilter(request.query, perspective), limit, cursors.parse(cursor));
      return { entries: page.entries, next_cursor: cursors.format(page.next) };
    },
  );

  server.get(
    "/v1/history/:id",
    {
      schema: {
        tags: TAGS,
        summary: "Read one entry",
        description: "Also a deleted one, whose `deleted_at` says so.",
        params: EntryParams,
        response: { 200: Entry, ...ERRORS },
      },
    },
    (request) => {
      const { id } = request.params;
      const entry = history.get(id.toLowerCase());
      if (entry === null) throw new ApiError(404, "HD_NOT_FOUND", `there is no entry ${id} on this machine`);
      return entry;
    },
  );

  server.patch(
    "/v1/history/:id",
    {
      schema: {
        tags: TAGS,
        summary: "Edit an entry",
        params: EntryParams,
        body: EntryPatch,
        response: { 200: Entry, ...ERRORS },
      },
    },
    async (request) => toEntry(await recorder.edit(request.params.id, request.body)),
  );

  server.delete(
    "/v1/history/:id",
    {
      schema: {
        tags: TAGS,
        summary: "Delete an entry softly",
        description:
          "It disappears from lists and searches on every machine, and can be restored for 30 days.",
        params: EntryParams,
        response: { 200: Entry, ...ERRORS },
      },
    },
    async (request) => toEntry(await recorder.remove(request.params.id)),
  );

  server.post(
    "/v1/history/:id/restore",
    {
      schema: {
        tags: TAGS,
        summary: "Undo a delete",
        params: EntryParams,
        response: { 200: Entry, ...ERRORS },
      },
    },
    async (request) => toEntry(await recorder.restore(request.params.id)),
  );

  server.post(
    "/v1/history/:id/purge",
    {
      schema: {
        tags: TAGS,
        summary: "Erase an entry's content, for good",
        description:
          "On this machine when it answers, on every other one when that synchronises; also of a deleted entry. Nothing undoes it. Again, it answers the same.",
        params: EntryParams,
        response: { 200: Purged, ...ERRORS },
      },
    },
    async (request) => {
      const { id } = request.params;
      return { id: id.toLowerCase(), purged_at: await recorder.purge(id) };
    },
  );
}
