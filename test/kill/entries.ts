import type { Entry } from "../../client-lib/protocol/entry.ts";
import type { EntryPage } from "../../client-lib/protocol/history.ts";
import type { TestDaemon } from "../support/daemon.ts";

/** Every live entry that a daemon shows. @param prefix how their commands begin */
export async function entriesOf(daemon: TestDaemon, prefix = ""): Promise<Entry[]> {
  const all: Entry[] = [];
  let cursor = "";
  do {
    const { body } = await daemon.request("GET", `/v1/history?limit=1000${cursor}`);
    const page = body as EntryPage;
    all.push(...page.entries);
    cursor = page.next_cursor === null ? "" : `&cursor=${page.next_cursor}`;
  } while (cursor !== "");
  return all.filter(({ command }) => command.startsWith(prefix));
}

export async function commandsOf(daemon: TestDaemon, prefix = ""): Promise<string[]> {
  return (await entriesOf(daemon, prefix)).map(({ command }) => command).toSorted();
}

/** How many entries a phrase finds. */
export async function countFound(daemon: TestDaemon, phrase: string): Promise<number> {
  const { body } = await daemon.request("GET", `/v1/search?q=${encodeURIComponent(`"${phrase}"`)}`);
  return body.results.length as number;
}
