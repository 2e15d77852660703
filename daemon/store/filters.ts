import type { EntryKind, Mode } from "../../client-lib/protocol/entry.ts";
import type { MachineReads } from "./machines.ts";

/** Who looks: what the lenses `user` and `machine` are resolved against. */
export interface Viewer {
  machineId: string;
  user: string | null;
}

/** Which entries a list or a search is about. Absent filters do not restrict. */
export interface HistoryFilter {
  mode: Mode;
  viewer: Viewer;
  user?: string | undefined;
  machine?: string | undefined;
  session?: string | undefined;
  cwd?: string | undefined;
  kind?: EntryKind | undefined;
  tag?: string | undefined;
  exit_code?: number | undefined;
  since?: number | undefined;
  until?: number | undefined;
}

/** A condition on `history AS h` and the values of its parameters. */
export interface Condition {
  sql: string;
  values: (string | number | null)[];
}

/** No row has this machine key: a filter by an unknown machine finds nothing, without being an error. */
const NO_MACHINE = -1;

export function toCondition(filter: HistoryFilter, machines: MachineReads): Condition {
  const parts = ["h.deleted_at IS NULL", "h.purged_at IS NULL"];
  const values: Condition["values"] = [];
  const add = (sql: string, ...bound: Condition["values"]): void => {
    parts.push(sql);
    values.push(...bound);
  };

  const here = machines.key(filter.viewer.machineId) ?? NO_MACHINE;
  switch (filter.mode) {
    case "global":
      add("h.scope = 'global'");
      break;
    case "user":
      add("h.user = ? AND h.scope IN ('global', 'user')", filter.viewer.user);
      break;
    case "machine":
      add("h.machine = ?", here);
      break;
    case "hybrid":
      add(
        "(h.scope = 'global' OR h.machine = ? OR (h.scope = 'user' AND h.user = ?))",
        here,
        filter.viewer.user,
      );
      break;
  }
  if (filter.user !== undefined) add("h.user = ?", filter.user);
  if (filter.machine !== undefined) add("h.machine = ?", machines.key(filter.machine) ?? NO_MACHINE);
  if (filter.session !== undefined) add("h.session_id = ?", filter.session);
  if (filter.cwd !== undefined) add("h.cwd = ?", filter.cwd);
  if (filter.kind !== undefined) add("h.kind = ?", filter.kind);
  if (filter.tag !== undefined) add("EXISTS (SELECT 1 FROM json_each(h.tags) WHERE value = ?)", filter.tag);
  if (filter.exit_code !== undefined) add("h.exit_code = ?", filter.exit_code);
  if (filter.since !== undefined) add("h.timestamp >= ?", filter.since);
  if (filter.until !== undefined) add("h.timestamp < ?", filter.until);
  return { sql: parts.join(" AND "), values };
}
