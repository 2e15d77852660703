import {
  Conflict,
  ConflictPage,
  ConflictParams,
  ConflictQuery,
  Resolution,
} from "../../../client-lib/protocol/conflict.ts";
import { DEFAULT_LIST_LIMIT } from "../../../client-lib/protocol/limits.ts";
import type { Recorder } from "../../intake/recorder.ts";
import type { ConflictReads } from "../../store/conflict-reads.ts";
import { createCursor } from "../cursor.ts";
import { ApiError } from "../errors.ts";
import { createMergeValueCheck } from "../merge-value.ts";
import type { Validation } from "../validation.ts";
import { ERRORS, type Server } from "./common.ts";

export interface ConflictRoutes {
  recorder: Recorder;
  conflicts: ConflictReads;
  validation: Validation;
}

const TAGS = ["sync"];

export function registerConflictRoutes(server: Server, options: ConflictRoutes): void {
  const { recorder, conflicts } = options;
  const cursors = createCursor("c1");
  const checkMergeValue = createMergeValueCheck(options.validation);

  server.get(
    "/v1/sync/conflicts",
    {
      schema: {
        tags: TAGS,
        summary: "List conflicts, newest first",
        description:
          "Fields that two machines changed to different values. A page ends before `limit` where its values hold more than 16 Mi (2^24) characters; `next_cursor` then leads to the rest.",
        querystring: ConflictQuery,
        response: { 200: ConflictPage, ...ERRORS },
      },
    },
    (request) => {
      const { state = "open", record, limit = DEFAULT_LIST_LIMIT, cursor } = request.query;
      const filter = { state, record: record?.toLowerCase() };
      const page = conflicts.list(filter, limit, cursors.parse(cursor));
      return { conflicts: page.conflicts, next_cursor: cursors.format(page.next) };
    },
  );

  server.post(
    "/v1/sync/conflicts/:id/resolve",
    {
      schema: {
        tags: TAGS,
        summary: "Settle a conflict",
        description:
          "Gives the record's field the chosen value, as an edit like any other, and marks the conflict as resolved. The same choice again changes nothing; another one is taken.",
        params: ConflictParams,
        body: Resolution,
        response: { 200: Conflict, ...ERRORS },
      },
    },
    async (request) => {
      const id = request.params.id.toLowerCase();
      const { choice, value } = request.body;
      if (choice === "merge") {
        if (value === undefined) {
          throw new ApiError(
            400,
            "HD_INVALID",
            "body: 'value' is missing; 'merge' takes the value from there",
          );
        }
        const { record_kind: kind, field } = found(id);
        checkMergeValue(kind, field, value);
      } else if (value !== undefined) {
        throw new ApiError(
          400,
          "HD_INVALID",
          `body.value: '${choice}' takes the value from the conflict; send one with 'merge' only`,
        );
      }
      await recorder.resolve(id, request.body);
      return found(id);
    },
  );

  function found(id: string): Conflict {
    const conflict = conflicts.get(id);
    if (conflict === null) {
      throw new ApiError(404, "HD_NOT_FOUND", `there is no conflict ${id} on this machine`);
    }
    return conflict;
  }
}
