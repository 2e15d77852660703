import Type, { type Static } from "typebox";
import { Strict } from "./schema.ts";

/**
 * The stable codes of API errors. A code is a promise: its meaning never changes, and programs match on it rather
 * than on the message.
 */
export const ERROR_CODES = {
  HD_INVALID: "a field or parameter is missing, unknown, of the wrong type or out of range",
  HD_BAD_JSON: "the body is not JSON",
  HD_UNSUPPORTED_MEDIA_TYPE: "the body is not application/json",
  HD_TOO_LARGE: "the body or one of its fields is over its limit",
  HD_BAD_CURSOR: "the cursor was not made by this daemon",
  HD_ROUTE_NOT_FOUND: "no such route",
  HD_NOT_FOUND: "no entry, or no conflict, with that id",
  HD_ID_TAKEN: "an entry with that id and other content exists",
  HD_DELETED: "the entry is deleted; restore it first",
  HD_GONE: "the entry was purged, or is not on this machine any more; it does not come back",
  HD_OMITTED: "the conflict could not keep the chosen value, which is too large; merge instead",
  HD_RESTORE_EXPIRED: "the entry was deleted longer ago than the restore window",
  HD_SYNC_OFF: "there is no remote to synchronise with",
  HD_SYNC_FAILED: "the cycle or the comparison that was asked for failed",
  HD_STORAGE: "the cache could not be written or read (full disk, for example); nothing was stored",
  HD_STOPPING: "the daemon is stopping and takes no more work",
  HD_BAD_REQUEST: "the request breaks HTTP itself",
  HD_INTERNAL: "a fault of historyd; its log says more",
} as const;
export type ErrorCode = keyof typeof ERROR_CODES;

/** Every answer that is not 2xx has this body. `error` is the standard text of the status. */
export const ErrorBody = Strict({
  statusCode: Type.Integer({ minimum: 400, maximum: 599 }),
  code: Type.String({ description: "stable; see the list in docs/API.md" }),
  error: Type.String(),
  message: Type.String({ description: "what was expected, what came, and how to mend it" }),
});
export type ErrorBody = Static<typeof ErrorBody>;
