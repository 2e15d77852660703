/** Makes text stand out on a terminal; each does nothing where there are no colours. */
export interface Style {
  bold: (text: string) => string;
  dim: (text: string) => string;
  red: (text: string) => string;
  yellow: (text: string) => string;
  green: (text: string) => string;
  /** A match in a search. */
  mark: (text: string) => string;
}

/** ECMA-48, section 8.3.117 (SGR). */
export function createStyle(color: boolean): Style {
  const sgr = (on: string, off: string) => (text: string) =>
    color && text !== "" ? `\u001B[${on}m${text}\u001B[${off}m` : text;
  return {
    bold: sgr("1", "22"),
    dim: sgr("2", "22"),
    red: sgr("31", "39"),
    yellow: sgr("33", "39"),
    green: sgr("32", "39"),
    mark: sgr("1;7", "22;27"),
  };
}
