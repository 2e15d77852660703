import type { Style } from "./style.ts";

/** A name and what there is to say of it, in one line or several; null for what there is nothing to say of. */
export type Fact = readonly [name: string, text: string | readonly string[] | null];

/** Names in a column of their own, what belongs to them beside them; ends in a newline. The texts must be safe. */
export function renderFacts(facts: readonly Fact[], style: Style): string {
  const width = Math.max(...facts.map(([name]) => name.length)) + 2;
  return facts
    .flatMap(([name, text]) => {
      const lines = text === null ? [] : typeof text === "string" ? text.split("\n") : text;
      return lines.map((line, index) => {
        const label = index === 0 ? style.dim(name) + " ".repeat(width - name.length) : " ".repeat(width);
        return `${(label + line).trimEnd()}\n`;
      });
    })
    .join("");
}
