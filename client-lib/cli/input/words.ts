import type { Resolution } from "../../protocol/conflict.ts";
import type { EntryKind, Mode, Scope } from "../../protocol/entry.ts";

// The protocol's words, written again: its own lists come with the schemas, and loading those takes longer than all
// the rest of a command. The types keep them complete.

export const KINDS = keys<EntryKind>({ command: true, chat: true });
export const MODES = keys<Mode>({ global: true, user: true, machine: true, hybrid: true });
export const SCOPES = keys<Scope>({ global: true, user: true, machine: true });
export const CHOICES = keys<Resolution["choice"]>({ local: true, remote: true, merge: true });

function keys<Word extends string>(words: Record<Word, true>): Word[] {
  return Object.keys(words) as Word[];
}
