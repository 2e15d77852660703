import type { Fields } from "./record.ts";

/**
 * What becomes of each kind's content when it is purged. What is left (ids, times, scope, user) says that something
 * was here, so that no copy of it can come back.
 */
const ERASED: Record<string, Fields> = {
  history: {
    command: "",
    response: null,
    hostname: null,
    session_id: null,
    cwd: null,
    shell: null,
    exit_code: null,
    duration_ms: null,
    tokens_used: null,
    tags: null,
    note: null,
    pinned: false,
    context: null,
    caused_by: null,
  },
  conflict: { base_value: null, local_value: null, remote_value: null },
};

export function isPurged(fields: Fields): boolean {
  return fields["purged_at"] != null;
}

/** Whether the remote took the content from an entry that was deleted long ago: no live one has an empty command. */
export function isEmptied(fields: Fields): boolean {
  return fields["command"] === "" && !isPurged(fields);
}

/** The fields of a record of this kind once it is purged. @param at ms since the epoch */
export function purgedFields(kind: string, fields: Fields, at: number): Fields {
  return { ...fields, ...ERASED[kind], purged_at: at };
}
