/** A problem with the configuration, in one line: where it stands, what was expected, what came. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code = "HD_CONFIG";
}

/** How one value is read. Text (from the environment, a flag) and JSON values (from the file) follow one rule. */
export interface ValueType<T> {
  /** What is expected, to complete "expected …". */
  expected: string;
  fromText(text: string): T | undefined;
  fromJson(value: unknown): T | undefined;
}

export function integer(minimum: number, maximum: number, unit: string): ValueType<number> {
  const inRange = (value: number): number | undefined =>
    Number.isSafeInteger(value) && value >= minimum && value <= maximum ? value : undefined;
  return {
    expected: `a whole number from ${minimum} to ${maximum} (${unit})`,
    fromText: (digits) => (/^\d{1,15}$/.test(digits) ? inRange(Number(digits)) : undefined),
    fromJson: (value) => (typeof value === "number" ? inRange(value) : undefined),
  };
}

const WORDS = new Map([
  ["1", true],
  ["true", true],
  ["yes", true],
  ["on", true],
  ["0", false],
  ["false", false],
  ["no", false],
  ["off", false],
]);

export const boolean: ValueType<boolean> = {
  expected: "true or false",
  fromText: (word) => WORDS.get(word.toLowerCase()),
  fromJson: (value) => (typeof value === "boolean" ? value : undefined),
};

export function oneOf<const T extends readonly string[]>(values: T): ValueType<T[number]> {
  const pick = (value: unknown): T[number] | undefined => values.find((allowed) => allowed === value);
  return { expected: `one of ${values.join(", ")}`, fromText: pick, fromJson: pick };
}

/** Several of some words: in text separated by commas, in JSON a list. */
export function someOf<const T extends readonly string[]>(values: T): ValueType<readonly T[number][]> {
  const one = oneOf(values);
  const all = (words: readonly unknown[]): readonly T[number][] | undefined => {
    const known = words.map((word) => one.fromJson(word)).filter((word) => word !== undefined);
    return known.length === words.length && known.length > 0 ? [...new Set(known)].toSorted() : undefined;
  };
  return {
    expected: `some of ${values.join(", ")}`,
    fromText: (list) => all(list.split(",").map((word) => word.trim())),
    fromJson: (value) => (Array.isArray(value) ? all(value) : undefined),
  };
}

export function text(expected: string, isValid: (value: string) => boolean = () => true): ValueType<string> {
  const check = (value: unknown): string | undefined =>
    typeof value === "string" && value.trim() !== "" && isValid(value) ? value : undefined;
  return { expected, fromText: check, fromJson: check };
}

/** One thing that can be configured, and everywhere it can be said. */
export interface Setting<T> {
  /** Path in config.json. */
  key: string;
  type: ValueType<T>;
  /** Undefined: not set unless somebody sets it. */
  fallback: T | undefined;
  env: string;
  /**
   * Other names and forms of the variable, which `env` overrules. A shared name belongs to other programs as well: a
   * value that is none of ours is theirs, and says nothing here.
   */
  envAlias?: { name: string; type: ValueType<T>; shared?: true };
  flag?: string;
  help: string;
  /** Whether a value, which is a bad one then, may hold a secret and is not to be printed. */
  isSecret?: (value: unknown) => boolean;
}
