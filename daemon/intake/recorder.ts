import type { Resolution } from "../../client-lib/protocol/conflict.ts";
import type { EntryPatch, NewEntry } from "../../client-lib/protocol/entry.ts";
import type { Written } from "../core/events.ts";
import { sameJson } from "../core/json.ts";
import { isPurged } from "../core/purge.ts";
import type { Fields, Version } from "../core/record.ts";
import type { Stored } from "../store/records.ts";
import type { WriteTx, Writer } from "../store/writer.ts";
import { type Action, applyChange, type Editor, writeAudit } from "./change.ts";
import { toFields } from "./fields.ts";
import { purgeRecord } from "./purge.ts";
import { RecorderError } from "./recorder-error.ts";
import { resolveConflict } from "./resolve.ts";
import { checkRestorable } from "./restore.ts";

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
  /** Called after each commit that left something to send, with what it wrote. */
  onWritten: (written: Written) => void;
}

/**
 * The one way in for what this machine records and edits. Every change is on disk, with its place in the outbox,
 * when the promise resolves; nothing here waits for the network.
 */
export interface Recorder {
  /** @throws RecorderError `HD_ID_TAKEN` where that id exists with other content, `HD_GONE` where it was purged */
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
  /** Erases the entry's content here and everywhere, for good, also that of a deleted one. @returns since when, ms */
  purge(id: string): Promise<number>;
  /** Settles a conflict. @throws as `resolveConflict` */
  resolve(id: string, resolution: Resolution): Promise<void>;
}

const KIND = "history";

export function createRecorder(options: RecorderOptions): Recorder {
  const { write, machine, now } = options;
  const editor: Editor = {
    // As of now: a clone gets another identity while the daemon runs.
    get machineId() {
      return machine.id;
    },
    user: options.user,
    now,
  };

  function recordIn(tx: WriteTx, entry: NewEntry): Recorded {
    if (entry.id !== undefined) {
      const existing = tx.records.get(KIND, entry.id.toLowerCase());
      // What lies in a spool, say, is not kept for having been purged meanwhile.
      if (existing !== null && isPurged(existing.version.fields)) return { stored: existing, created: false };
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

  function recordOrThrow(tx: WriteTx, entry: NewEntry): Recorded {
    const recorded = recordIn(tx, entry);
    if (!isPurged(recorded.stored.version.fields)) return recorded;
    throw new RecorderError(
      "HD_GONE",
      `entry ${recorded.stored.version.id} was purged, and does not come back`,
    );
  }

  function find(tx: WriteTx, id: string): Stored {
    const existing = tx.records.get(KIND, id.toLowerCase());
    if (existing !== null) return existing;
    throw new RecorderError("HD_NOT_FOUND", `there is no entry ${id} on this machine`);
  }

  /** Applies a change to one entry; where it changes nothing, nothing is written. */
  async function change(id: string, action: Action, work: (existing: Stored) => Fields): Promise<Stored> {
    const { stored, fields } = await write.run((tx) => {
      const existing = find(tx, id);
      if (isPurged(existing.version.fields)) {
        throw new RecorderError("HD_NOT_FOUND", `there is no entry ${id} on this machine: it was purged`);
      }
      const changed = applyChange(tx, existing, work(existing), editor);
      if (changed.fields.length > 0) {
        const details = action === "edit" ? { fields: changed.fields } : null;
        writeAudit(tx, action, existing.version, details, editor);
      }
      return changed;
    });
    if (fields.length > 0) options.onWritten({ ids: [stored.version.id], action: "changed" });
    return stored;
  }

  function tell(recorded: readonly Recorded[]): void {
    const ids = recorded.filter(({ created }) => created).map(({ stored }) => stored.version.id);
    if (ids.length > 0) options.onWritten({ ids, action: "recorded" });
  }

  return {
    recordIn,
    async record(entry) {
      const recorded = await write.run((tx) => recordOrThrow(tx, entry));
      tell([recorded]);
      return recorded;
    },
    async recordAll(entries) {
      const recorded = await write.run((tx) => entries.map((entry) => recordOrThrow(tx, entry)));
      tell(recorded);
      return recorded;
    },
    edit: (id, patch) =>
      change(id, "edit", ({ version }) => {
        if (version.fields.deleted_at != null) {
          throw new RecorderError(
            "HD_DELETED",
            `entry ${id} is deleted; restore it first (POST /v1/history/${id}/restore)`,
          );
        }
        return toFields(patch);
      }),
    remove: (id) =>
      change(id, "delete", ({ version }) => ({ deleted_at: version.fields.deleted_at ?? now() })),
    restore: (id) =>
      change(id, "restore", (existing) => {
        checkRestorable(existing, now());
        return { deleted_at: null };
      }),
    async purge(id) {
      const { at, changed } = await write.run((tx) => purgeRecord(tx, find(tx, id), editor));
      if (changed) options.onWritten({ ids: [id.toLowerCase()], action: "changed" });
      return at;
    },
    async resolve(id, resolution) {
      const changed = await write.run((tx) => resolveConflict(tx, id.toLowerCase(), resolution, editor));
      if (changed !== null) options.onWritten({ ids: [changed], action: "changed" });
    },
  };
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
