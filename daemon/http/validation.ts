import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import type { Static, TSchema } from "typebox";

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
  const body = createAjv(false);
  const text = createAjv(true);
  return {
    body: (schema) => body.compile(schema),
    text: (schema) => text.compile(schema),
    checker<T extends TSchema>(schema: T, what: string) {
      const validate = body.compile<Static<T>>(schema);
      return (value: unknown) =>
        validate(value) ? { value } : { problem: toProblem(validate.errors ?? [], what).message };
    },
  };
}

function createAjv(coerceTypes: boolean): Ajv {
  const ajv = new Ajv({
    coerceTypes,
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
  ajv.addKeyword({
    keyword: "x-max-json-bytes",
    type: "object",
    schemaType: "number",
    errors: false,
    validate: (limit: number, value: object) => Buffer.byteLength(JSON.stringify(value)) <= limit,
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
      return `'${String(params.additionalProperty)}' is unknown; expected only ${known.join(", ")}`;
    }
    case "enum":
      return `expected one of ${(params.allowedValues as string[]).join(", ")}, ${got}`;
    case "const":
      return `expected ${JSON.stringify(params.allowedValue)}, ${got}`;
    case "type":
      return `expected ${[params.type].flat().join(" or ")}, ${got}`;
    case "x-max-bytes":
    case "x-max-json-bytes":
      return `expected at most ${String(error.schema)} bytes, got more`;
    case "x-well-formed":
      return "expected well-formed Unicode text, got half of a surrogate pair";
    case "pattern": {
      const { description } = error.parentSchema as { description?: string };
      return `expected ${description ?? `text that matches ${String(params.pattern)}`}, ${got}`;
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

const SHOWN_CHARACTERS = 60;

function show(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
