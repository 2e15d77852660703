/**
 * The limits every client may rely on. They are stated in the schemas (and so in `/openapi.json`), enforced by the
 * daemon, and small enough that one record always fits into one request of the remote (5 MB a value there).
 */

/** Bytes of UTF-8 in `command`. */
export const MAX_COMMAND_BYTES = 1024 * 1024;
/** Bytes of UTF-8 in `response`. */
export const MAX_RESPONSE_BYTES = 3 * 1024 * 1024;
/** Bytes of UTF-8 in `note`. */
export const MAX_NOTE_BYTES = 64 * 1024;
/** Bytes of `context` as JSON. */
export const MAX_CONTEXT_BYTES = 64 * 1024;
export const MAX_TAGS = 64;
export const MAX_TAG_BYTES = 256;
/** Bytes of UTF-8 in the short text fields: `user`, `cwd`, `shell`, `session_id` and their filters. */
export const MAX_NAME_BYTES = 4096;

export const MAX_BATCH_ENTRIES = 1000;
export const DEFAULT_LIST_LIMIT = 100;
export const MAX_LIST_LIMIT = 1000;
export const DEFAULT_SEARCH_LIMIT = 20;
export const MAX_SEARCH_LIMIT = 200;
export const MAX_QUERY_BYTES = 4096;

/**
 * Bytes of one request's body. JSON may write one byte of text as six (`\u0001`): an entry at its limits in every
 * field fits even so. A batch shares one limit.
 */
export const MAX_ENTRY_BODY_BYTES = 26 * 1024 * 1024;
export const MAX_BATCH_BODY_BYTES = 32 * 1024 * 1024;

/** The last millisecond of the year 9999: what a four-digit year can still print. */
export const MAX_TIME_MS = 253_402_300_799_999;

/** How long after a delete `restore` still works: 30 days. */
export const RESTORE_WINDOW_MS = 30 * 24 * 60 * 60 * 1000;

/** How old a deleted record is when the remote forgets that it was there: 90 days. */
export const TOMBSTONE_TTL_MS = 90 * 24 * 60 * 60 * 1000;
