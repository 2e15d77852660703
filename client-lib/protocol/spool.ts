import Type, { type Static } from "typebox";
import { NewEntry } from "./entry.ts";
import { Strict } from "./schema.ts";

/**
 * One line of a spool file: what a client could not hand to the daemon. Files are named `*.jsonl`, are only appended
 * to, a whole line with its newline at a time, and belong to the daemon once written.
 */
export const SpoolLine = Strict({ v: Type.Literal(1), entry: NewEntry });
export type SpoolLine = Static<typeof SpoolLine>;
