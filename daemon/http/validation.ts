import { Ajv, type ErrorObject, type SchemaValidateFunction, type ValidateFunction } from "ajv";
import type { Static, TSchema } from "typebox";
import { isDeeperThan, type Json } from "../core/json.ts";
import { UUID_PATTERN } from "../../client-lib/protocol/schema.ts";

/** What a value breaks: where, what was expected, what came. */
export interface Problem {
  message: string;
  /** It is right but for its size. */
  tooLarge: boolean;
}

/** Compiles schemas into checks, by the rules of the API: nothing unknown, nothing coerced in silence. */
export interface Validation {
  /** For bodies: values must have their type. */
  body(schema: object): ValidateFunction;
  /** For queries and paths: everything is text there, and numbers are read from it. */
  text(schema: object): ValidateFunction;
  /** Checks a value that did not come as a request. */
  checker<T extends TSchema>(
    schema: T,
    what: string,
  ): (value: unknown) => { value: Static<T> } | { problem: string };
}

export function createValidation(): Validation {
  const ajv = createAjv();
  return {
    body: (schema) => ajv.compile(schema),
    text: (schema) => readingText(ajv.compile(schema)),
    checker<T extends TSchema>(schema: T, what: string) {
      const validate = ajv.compile<Static<T>>(schema);
      return (value: unknown) =>
        validate(value) ? { value } : { problem: toProblem(validate.errors ?? [], what).message };
    },
  };
}

/** A whole number as people write it. */
const INTEGER = /^(0|-?[1-9]\d{0,15})$/;

/**
 * Reads the numbers of a query before it is checked. Ajv's own coercion takes whatever JavaScript takes for a number:
 * `0x10`, `1e2`, and an `Infinity` that it then does not hold against the limits.
 */
function readingText(validate: ValidateFunction): ValidateFunction {
  const { properties = {} } = validate.schema as { properties?: Record<string, { type?: unknown }> };
  const integers = Object.keys(properties).filter((name) => properties[name]?.type === "integer");
  const read = (values: Record<string, unknown>): boolean => {
    for (const name of integers) {
      const word = values[name];
      if (typeof word === "string" && INTEGER.test(word)) values[name] = Number(word);
    }
    const valid = validate(values);
    read.errors = validate.errors;
    return valid;
  };
  read.errors = validate.errors;
  return read as ValidateFunction;
}

function createAjv(): Ajv {
  const ajv = new Ajv({
    useDefaults: true,
    removeAdditional: false,
    allowUnionTypes: true,
    verbose: true,
  });
  ajv.addKeyword({
    keyword: "x-max-bytes",
    type: "string",
    schemaType: "number",
    errors: false,
    validate: (limit: number, value: string) =>
      value.length * 3 <= limit || Buffer.byteLength(value) <= limit,
  });
  const fitsAsJson: SchemaValidateFunction = (limit: number, value: object) => {
    // First, because writing JSON recurses: on what is nested deeply enough it runs out of stack.
    const deep = isDeeperThan(value as Json, MAX_CONTEXT_LEVELS);
    fitsAsJson.errors = [{ keyword: deep ? TOO_DEEP : MAX_JSON_BYTES }];
    return !deep && Buffer.byteLength(JSON.stringify(value)) <= limit;
  };
  ajv.addKeyword({
    keyword: MAX_JSON_BYTES,
    type: "object",
    schemaType: "number",
    errors: true,
    validate: fitsAsJson,
  });
  // Half of a surrogate pair is no character: the database would store another one in its place.
  ajv.addKeyword({
    keyword: "x-well-formed",
    type: "string",
    schemaType: "boolean",
    errors: false,
    validate: (_: boolean, value: string) => value.isWellFormed(),
  });
  return ajv;
}

/** Levels of objects and arrays in what a client sends: well under what any machine reads of another's. */
const MAX_CONTEXT_LEVELS = 100;
const TOO_DEEP = "too-deep";
const MAX_JSON_BYTES = "x-max-json-bytes";

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** The first problem in words. `what` names the part of the request: `body`, `querystring`, `params`. */
export function toProblem(errors: readonly ErrorObject[], what: string): Problem {
  const error = errors[0];
  if (error === undefined) return { message: `${what}: not as described in /openapi.json`, tooLarge: false };
  const where = [what, ...error.instancePath.split("/").slice(1)].join(".");
  return { message: `${where}: ${describe(error)}`, tooLarge: error.keyword.startsWith("x-max-") };
}

function describe(error: ErrorObject): string {
  const params = error.params as Record<string, unknown>;
  const got = `got ${show(error.data)}`;
  switch (error.keyword) {
    case "required":
      return `'${String(params.missingProperty)}' is missing`;
    case "additionalProperties": {
      const known = Object.keys((error.parentSchema as { properties?: object }).properties ?? {});
      const expected = known.length === 0 ? "none" : `only ${known.join(", ")}`;
      return `'${shorten(escapeControls(String(params.additionalProperty)))}' is unknown; expected ${expected}`;
    }
    case "enum":
      return `expected one of ${(params.allowedValues as string[]).join(", ")}, ${got}`;
    case "const":
      return `expected ${JSON.stringify(params.allowedValue)}, ${got}`;
    case "type":
      return `expected ${[params.type].flat().join(" or ")}, ${got}`;
    case "x-max-bytes":
    case MAX_JSON_BYTES:
      return `expected at most ${String(error.schema)} bytes, got more`;
    case TOO_DEEP:
      return `expected at most ${MAX_CONTEXT_LEVELS} levels of objects and arrays, got more`;
    case "x-well-formed":
      return "expected well-formed Unicode text, got half of a surrogate pair";
    case "pattern": {
      const expected =
        params.pattern === UUID_PATTERN ? A_UUID : `text that matches ${String(params.pattern)}`;
      return `expected ${expected}, ${got}`;
    }
    case "minLength":
      return "expected at least one character, got an empty text";
    case "minProperties":
      return "expected at least one field, got none";
    case "uniqueItems":
      return "expected each item once, got one twice";
    default:
      // Bounds: Ajv's own "must be >= 1", "must NOT have more than 1000 items" say what was expected.
      return `${error.message ?? "is not as expected"}${typeof error.data === "object" ? "" : `, ${got}`}`;
  }
}

const A_UUID = "a UUID, such as 0197a3f2-8c1e-7b52-9c55-2f4f8a1d0e33";

function show(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (isObject(value)) return "an object";
  // Not as JSON: it has no word for the infinite number that 1e400 is.
  return typeof value === "number" ? String(value) : shorten(JSON.stringify(value) ?? String(value));
}

/** A name may hold anything; a message is one line. */
function escapeControls(name: string): string {
  return JSON.stringify(name).slice(1, -1);
}

const SHOWN_CHARACTERS = 60;

/** What came, for a message: as much of it as helps. */
export function shorten(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS).toWellFormed()}…` : text;
}
