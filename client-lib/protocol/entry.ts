import Type, { type Static } from "typebox";
import {
  MAX_COMMAND_BYTES,
  MAX_CONTEXT_BYTES,
  MAX_NAME_BYTES,
  MAX_NOTE_BYTES,
  MAX_RESPONSE_BYTES,
  MAX_TAG_BYTES,
  MAX_TAGS,
} from "./limits.ts";
import {
  NullableInteger,
  NullableText,
  NullableTime,
  OneOf,
  Strict,
  Text,
  Time,
  Uuid,
  UUID_PATTERN,
} from "./schema.ts";

export const ENTRY_KINDS = ["command", "chat"] as const;
export const SCOPES = ["global", "user", "machine"] as const;
export const MODES = ["global", "user", "machine", "hybrid"] as const;

export const EntryKind = OneOf(ENTRY_KINDS, "`command`: a shell command; `chat`: a question and its answer");
export type EntryKind = Static<typeof EntryKind>;

export const Scope = OneOf(
  SCOPES,
  "how far the entry may be seen: `global` everyone, `user` that user on any machine, `machine` this machine only",
);
export type Scope = Static<typeof Scope>;

export const Mode = OneOf(
  MODES,
  "the lens: `global` reads scope global; `user` that user's global and user entries; `machine` all of this machine; `hybrid` all three",
);
export type Mode = Static<typeof Mode>;

const int32 = { minimum: -2_147_483_648, maximum: 2_147_483_647 };
const count = { minimum: 0, maximum: Number.MAX_SAFE_INTEGER };

const command = Text(MAX_COMMAND_BYTES, {
  minLength: 1,
  description: "the command as typed, or the question asked; 1 character to 1 MiB",
});
const response = NullableText(MAX_RESPONSE_BYTES, "the answer, or captured output; up to 3 MiB");
const tags = Type.Array(Text(MAX_TAG_BYTES, { minLength: 1 }), {
  maxItems: MAX_TAGS,
  uniqueItems: true,
  description: "free labels, each once",
});
const note = NullableText(MAX_NOTE_BYTES, "what a person wrote about the entry");
const pinned = Type.Boolean({ description: "marked by a person as one to keep" });
const context = Type.Object(
  {},
  {
    additionalProperties: true,
    "x-max-json-bytes": MAX_CONTEXT_BYTES,
    description: "anything else the client wants to keep; a JSON object of up to 64 KiB and 100 levels",
  },
);

const fields = {
  kind: EntryKind,
  command,
  response,
  scope: Scope,
  user: NullableText(MAX_NAME_BYTES, "username, or null when none is configured"),
  session_id: NullableText(MAX_NAME_BYTES, "the shell or conversation it belongs to"),
  cwd: NullableText(MAX_NAME_BYTES, "working directory"),
  shell: NullableText(MAX_NAME_BYTES, "`bash`, `zsh`, `fish`, …"),
  exit_code: NullableInteger(int32, "exit status; null while running or unknown"),
  timestamp: Time("when it was typed or asked, ms since the epoch"),
  duration_ms: NullableInteger(count, "how long it ran"),
  tokens_used: NullableInteger(count, "tokens the answer cost"),
  tags,
  note,
  pinned,
  context,
  caused_by: Type.Unsafe<string | null>({
    type: ["string", "null"],
    pattern: UUID_PATTERN,
    description: "id of the entry that led to this one",
  }),
};

/** One remembered command or answer, as every read returns it. */
export const Entry = Strict(
  {
    id: Uuid,
    ...fields,
    machine_id: Type.String({ description: "the machine it was recorded on" }),
    hostname: NullableText(MAX_NAME_BYTES, "that machine's name at the time"),
    created_at: Time("when the daemon recorded it"),
    updated_at: Time("last change of any field"),
    deleted_at: NullableTime("when it was soft-deleted, or null"),
    last_editor: Type.String({ description: "machine id of the last change" }),
    rev: NullableInteger(count, "revision given by the remote; null until the remote has it"),
    sync: OneOf(["pending", "synced"], "`pending` while the remote lacks the entry or its last change"),
  },
  { description: "an entry of the history" },
);
export type Entry = Static<typeof Entry>;

/** What a client sends to record an entry: `command` is enough, the daemon fills in the rest. */
export const NewEntry = Strict(
  {
    ...Type.Partial(Type.Object(fields)).properties,
    id: Type.Optional(Uuid),
    command,
  },
  {
    description:
      "an entry to record; send `id` to make the request safe to repeat. Its JSON may have 26 MiB, and 32 MiB for a whole batch",
  },
);
export type NewEntry = Static<typeof NewEntry>;

/** The fields that may change later; at least one. */
export const EntryPatch = Strict(
  Type.Partial(Type.Object({ command, response, tags, note, pinned, scope: Scope })).properties,
  { minProperties: 1, description: "the fields to change, each replaced as a whole; up to 26 MiB of JSON" },
);
export type EntryPatch = Static<typeof EntryPatch>;
