import type { ImportReport } from "../../../client-lib/import/shell-history.ts";

// Small writers that follow the shells' own rules, so that readers can be tested on what shells would write.

export type Written = { command: string; seconds: number | null; elapsedSeconds?: number };

/** bash, `history_do_write` in lib/readline/histfile.c: times only where HISTTIMEFORMAT was set. */
export function writeBash(entries: readonly Written[]): Buffer {
  return Buffer.from(
    entries
      .map(({ command, seconds }) => (seconds === null ? "" : `#${seconds}\n`) + `${command}\n`)
      .join(""),
  );
}

/** zsh, `savehistfile` in Src/hist.c. */
export function writeZsh(entries: readonly Written[]): Buffer {
  return Buffer.concat(entries.map(zshEntry));
}

function zshEntry({ command, seconds, elapsedSeconds = 0 }: Written): Buffer {
  const out: number[] = [];
  if (seconds !== null) out.push(...Buffer.from(`: ${seconds}:${elapsedSeconds};`));
  else if (command.startsWith(":")) out.push(...Buffer.from("\\"));
  let endsInBackslash = false;
  for (const byte of metafy(Buffer.from(command))) {
    if (byte === 0x0a) out.push(0x5c);
    endsInBackslash = byte === 0x5c || (endsInBackslash && byte === 0x20);
    out.push(byte);
  }
  if (endsInBackslash) out.push(0x20);
  out.push(0x0a);
  return Buffer.from(out);
}

/** zsh, `metafy` in Src/utils.c; the bytes are those that `inittyptab` marks IMETA. */
export function metafy(bytes: Buffer): Buffer {
  return Buffer.from(
    [...bytes].flatMap((byte) => (byte === 0 || (byte >= 0x83 && byte <= 0xa2) ? [0x83, byte ^ 32] : [byte])),
  );
}

/** fish, `escape_yaml_fish_2_0` in src/history/yaml_backend.rs. */
export function writeFish(entries: readonly (Written & { paths?: string[] })[]): Buffer {
  const escape = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return Buffer.from(
    entries
      .map(({ command, seconds, paths = [] }) =>
        [
          `- cmd: ${escape(command)}`,
          ...(seconds === null ? [] : [`  when: ${seconds}`]),
          ...(paths.length === 0 ? [] : ["  paths:", ...paths.map((path) => `    - ${escape(path)}`)]),
          "",
        ].join("\n"),
      )
      .join(""),
  );
}

/** Commands and times of a report: what a round trip must bring back. */
export function essence(report: ImportReport): { command: string; timestamp: number | null }[] {
  return report.commands.map(({ command, timestamp }) => ({ command, timestamp }));
}
