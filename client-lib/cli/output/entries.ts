import type { Entry } from "../../protocol/entry.ts";
import type { SearchResult } from "../../protocol/history.ts";
import type { Output } from "../context.ts";
import { shortId } from "../input/entry-id.ts";
import { formatAge } from "./quantities.ts";
import { excerpt } from "./snippet.ts";
import { createStyle, type Style } from "./style.ts";
import { type Column, renderTable } from "./table.ts";
import { escapeControls } from "./escape.ts";
import { fit } from "./width.ts";

/** Narrower terminals show less of who and how, to leave room for the command. */
const WITH_EXIT = 50;
const WITH_WHO = 70;

/** A page of entries, one a line. */
export function renderEntries(entries: readonly Entry[], out: Output, nowMs: number): string {
  const style = createStyle(out.color);
  return renderTable({
    rows: entries,
    columns: toColumns(out, nowMs, style),
    last: { head: "COMMAND", cell: (entry, width) => fit(escapeControls(entry.command), width) },
    width: out.width,
    style,
  });
}

/** Search results: the command with its matches marked, and below it what else matched. */
export function renderResults(results: readonly SearchResult[], out: Output, nowMs: number): string {
  const style = createStyle(out.color);
  return renderTable({
    rows: results,
    columns: toColumns(out, nowMs, style),
    last: { head: "COMMAND", cell: (result, width) => excerpt(result, width, style) },
    width: out.width,
    style,
  });
}

function toColumns({ width }: Output, nowMs: number, style: Style): Column<Entry>[] {
  const id: Column<Entry> = { head: "ID", text: (entry) => shortId(entry.id), maxWidth: 8, paint: style.dim };
  const when: Column<Entry> = {
    head: "WHEN",
    align: "right",
    text: (entry) => formatAge(entry.timestamp, nowMs),
    maxWidth: 10,
  };
  const exit: Column<Entry> = {
    head: "EXIT",
    align: "right",
    text: (entry) => (entry.kind === "chat" ? "chat" : String(entry.exit_code ?? "")),
    maxWidth: 11,
    paint: (text, entry) => {
      if (entry.kind === "chat") return style.dim(text);
      return entry.exit_code === 0 ? style.green(text) : style.red(text);
    },
  };
  const who: Column<Entry> = { head: "WHO", text: toWho, maxWidth: 24 };
  const room = width ?? Number.POSITIVE_INFINITY;
  return [id, when, ...(room < WITH_EXIT ? [] : [exit]), ...(room < WITH_WHO ? [] : [who])];
}

/** `maria@shop-12`, or as much of it as is known. */
export function toWho({ user, hostname }: Pick<Entry, "user" | "hostname">): string {
  return [user, hostname].filter((part) => part !== null).join("@");
}
