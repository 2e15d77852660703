import type { EntryPatch, NewEntry } from "../../client-lib/protocol/entry.ts";
import { RESTORE_WINDOW_MS } from "../../client-lib/protocol/limits.ts";
import { type Json, sameJson } from "../core/json.ts";
import { changedFields, editedClocks } from "../core/merge.ts";
import type { Fields, Version } from "../core/record.ts";
import type { Stored } from "../store/records.ts";
import type { WriteTx, Writer } from "../store/writer.ts";

/** Why an entry was not recorded or changed, although the request was well formed. */
export class RecorderError extends Error {
  override readonly name = "RecorderError";
  readonly code: "HD_NOT_FOUND" | "HD_ID_TAKEN" | "HD_DELETED" | "HD_RESTORE_EXPIRED";
  constructor(code: RecorderError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** What was asked for, as it is on disk now. */
export interface Recorded {
  stored: Stored;
  /** False where it was there already. */
  created: boolean;
}

export interface RecorderOptions {
  write: Writer;
  machine: { id: string; hostname: string };
  /** Recorded as the entry's user unless the client names one. */
  user: string | null;
  newId: () => string;
  now: () => number;
  /** Called after each commit that left something to send. */
  onWritten: () => void;
}

/**
 * The one way in for what this machine records and edits. Every change is on disk, with its place in the outbox,
 * when the promise resolves; nothing here waits for the network.
 */
export interface Recorder {
  /** @throws RecorderError `HD_ID_TAKEN` where that id exists with other content */
  record(entry: NewEntry): Promise<Recorded>;
  /** All or nothing. */
  recordAll(entries: readonly NewEntry[]): Promise<Recorded[]>;
  /** Records inside a transaction that the caller has; it calls `onWritten` itself. */
  recordIn(tx: WriteTx, entry: NewEntry): Recorded;
  edit(id: string, patch: EntryPatch): Promise<Stored>;
  /** Soft delete; deleting again changes nothing. */
  remove(id: string): Promise<Stored>;
  /** Undoes a delete within the window; restoring what is not deleted changes nothing. */
  restore(id: string): Promise<Stored>;
}

const KIND = "history";

export function createRecorder(options: RecorderOptions): Recorder {
  const { write, machine, now } = options;

  function recordIn(tx: WriteTx, entry: NewEntry): Recorded {
    if (entry.id !== undefined) {
      const existing = tx.records.get(KIND, entry.id.toLowerCase());
      if (existing !== null) return { stored: sameContentOrThrow(existing, entry), created: false };
    }
    const stored: Stored = { version: newVersion(entry, tx), rev: null, base: null };
    tx.records.put(stored);
    tx.outbox.add({ kind: KIND, id: stored.version.id }, now());
    return { stored, created: true };
  }

  function newVersion(entry: NewEntry, tx: WriteTx): Version {
    const recordedAt = now();
    const { id, ...given } = entry;
    return {
      id: id?.toLowerCase() ?? options.newId(),
      kind: KIND,
      machineId: machine.id,
      lastEditor: machine.id,
      hlc: tx.clock.tick(),
      clocks: null,
      fields: {
        kind: "command",
        scope: "global",
        user: options.user,
        hostname: machine.hostname,
        timestamp: recordedAt,
        pinned: false,
        deleted_at: null,
        purged_at: null,
        ...toFields(given),
        created_at: recordedAt,
      },
    };
  }

  /** Applies a change to one entry; where it changes nothing, nothing is written. */
  async function change(id: string, work: (existing: Stored) => Fields): Promise<Stored> {
    const result = await write.run((tx) => {
      const existing = tx.records.get(KIND, id.toLowerCase());
      if (existing === null || existing.version.fields.purged_at != null) {
        throw new RecorderError("HD_NOT_FOUND", `there is no entry ${id} on this machine`);
      }
      return applyChange(tx, existing, work(existing));
    });
    if (result.changed) options.onWritten();
    return result.stored;
  }

  function applyChange(tx: WriteTx, existing: Stored, changes: Fields): { stored: Stored; changed: boolean } {
    const fields = { ...existing.version.fields, ...changes };
    const before = changedFields(existing.version.fields, fields);
    if (before === null) return { stored: existing, changed: false };
    const hlc = tx.clock.tick();
    const stored: Stored = {
      version: {
        ...existing.version,
        lastEditor: machine.id,
        hlc,
        clocks: editedClocks(existing.version, Object.keys(before), hlc),
        fields,
      },
      rev: existing.rev,
      // What the remote has never seen has no base; else the oldest value since then is what the edits started from.
      base: existing.rev === null ? null : { ...before, ...existing.base },
    };
    tx.records.put(stored);
    tx.outbox.add({ kind: KIND, id: existing.version.id }, now());
    return { stored, changed: true };
  }

  return {
    recordIn,
    async record(entry) {
      const recorded = await write.run((tx) => recordIn(tx, entry));
      if (recorded.created) options.onWritten();
      return recorded;
    },
    async recordAll(entries) {
      const recorded = await write.run((tx) => entries.map((entry) => recordIn(tx, entry)));
      if (recorded.some(({ created }) => created)) options.onWritten();
      return recorded;
    },
    edit: (id, patch) =>
      change(id, ({ version }) => {
        if (version.fields.deleted_at != null) {
          throw new RecorderError(
            "HD_DELETED",
            `entry ${id} is deleted; restore it first (POST /v1/history/${id}/restore)`,
          );
        }
        return toFields(patch);
      }),
    remove: (id) => change(id, ({ version }) => ({ deleted_at: version.fields.deleted_at ?? now() })),
    restore: (id) =>
      change(id, ({ version }) => {
        const deletedAt = version.fields.deleted_at as number | null;
        if (deletedAt !== null && now() - deletedAt > RESTORE_WINDOW_MS) {
          throw new RecorderError(
            "HD_RESTORE_EXPIRED",
            `entry ${id} was deleted on ${new Date(deletedAt).toISOString()}; deleted entries can be restored for ${RESTORE_WINDOW_MS / 86_400_000} days`,
          );
        }
        return { deleted_at: null };
      }),
  };
}

/** The fields of an entry as a record keeps them: what is empty is null, ids are in lower case. */
function toFields(given: Omit<NewEntry, "id"> | EntryPatch): Fields {
  const fields: Fields = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    fields[name] = name === "caused_by" ? toId(value) : isEmpty(value) ? null : (value as Json);
  }
  return fields;
}

function toId(value: unknown): string | null {
  return typeof value === "string" ? value.toLowerCase() : null;
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/**
 * A request sent again, its answer having been lost, is answered with what is there. Fields that were edited since
 * are not compared: the request says what they were.
 */
function sameContentOrThrow(existing: Stored, sent: NewEntry): Stored {
  const { id, ...given } = sent;
  const { fields, clocks } = existing.version;
  for (const [name, value] of Object.entries(toFields(given))) {
    const edited = clocks !== null && Object.hasOwn(clocks, name);
    if (!edited && !sameJson(value, fields[name] ?? null)) {
      throw new RecorderError(
        "HD_ID_TAKEN",
        `an entry with id ${id} exists and its '${name}' is another; send a new id for a new entry, or PATCH the existing one`,
      );
    }
  }
  return existing;
}
