import { join } from "node:path";
import type { Terminal } from "../../../client-lib/cli/context.ts";
import type { Conflict } from "../../../client-lib/protocol/conflict.ts";
import type { Entry } from "../../../client-lib/protocol/entry.ts";
import { type Api, createApi } from "../../http/api.ts";
import { addConflict, type ConflictOptions } from "../../support/conflicts.ts";
import { type Ran, runHere } from "./historyctl.ts";

/** A daemon's API on a socket, in this process: conflicts can be put into its cache. */
export interface Desk {
  api: Api;
  /** Runs a command line against it, as on a terminal where one is given. */
  ctl(args: readonly string[], options?: Parameters<typeof runHere>[1]): Promise<Ran>;
  addConflict(entry: Entry, options?: ConflictOptions): Promise<string>;
  conflict(id: string): Conflict;
  entry(id: string): Entry | null;
  close: () => Promise<void>;
}

export async function createDesk(): Promise<Desk> {
  const api = await createApi({ user: "ana" });
  const { store, home } = api.machine;
  const socket = join(home, "h.sock");
  await api.server.listen({ path: socket });
  return {
    api,
    ctl: (args, options = {}) =>
      runHere(args, {
        env: { HOME: "/nowhere", HISTORYD_SOCKET: socket },
        now: () => api.clock.ms,
        ...options,
      }),
    addConflict: (entry, options) => addConflict(store, entry.id, options),
    conflict: (id) => store.read.conflicts.get(id)!,
    entry: (id) => store.read.history.get(id),
    close: api.close,
  };
}

export interface Person extends Terminal {
  /** What they were asked. */
  questions: string[];
  /** What their editor showed. */
  texts: string[];
}

/** Somebody who gives these answers, and then ends the input; and who edits a text like that, where they can. */
export function createPerson(answers: readonly string[], edit?: (text: string) => string): Person {
  const left = [...answers];
  const questions: string[] = [];
  const texts: string[] = [];
  return {
    questions,
    texts,
    ask(question) {
      questions.push(question);
      return Promise.resolve(left.shift() ?? null);
    },
    edit:
      edit === undefined
        ? null
        : (text) => {
            texts.push(text);
            return Promise.resolve(edit(text));
          },
  };
}
