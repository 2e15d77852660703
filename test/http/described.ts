import type { AnySchema, ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { ErrorBody, ERROR_CODES } from "../../client-lib/protocol/errors.ts";

/** Fails where an answer is not as /openapi.json says. */
export type AnswerCheck = (method: string, url: string, answer: { status: number; body: unknown }) => void;

export interface Operation {
  parameters?: { name: string; in: string; required?: boolean; schema: AnySchema }[];
  requestBody?: { content: Record<string, { schema: AnySchema }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: AnySchema }> }>;
  summary?: string;
}

/** What the tests read of an OpenAPI description. */
export interface Description {
  openapi: string;
  info: { title: string; version: string; description: string };
  paths: Record<string, Record<string, Operation>>;
}

export function createAnswerCheck(swagger: object): AnswerCheck {
  // What travels is JSON text, and so is what is described.
  const { paths } = JSON.parse(JSON.stringify(swagger)) as Description;
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  const validators = new Map<AnySchema, ValidateFunction>();
  const routes = Object.entries(paths).map(([template, operations]) => ({
    pattern: new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+")}$`),
    literal: !template.includes("{"),
    operations,
  }));

  function describedSchema(method: string, url: string, status: number): AnySchema {
    const [path = ""] = url.split("?", 1);
    const matching = routes.filter(({ pattern }) => pattern.test(path));
    const route = matching.find(({ literal }) => literal) ?? matching[0];
    const operation = route?.operations[method.toLowerCase()];
    if (operation === undefined) return ErrorBody;
    const { responses } = operation;
    const response = responses[status] ?? responses[`${String(status)[0]}XX`];
    const schema = response?.content?.["application/json"]?.schema;
    if (schema === undefined) throw new Error(`${method} ${path}: status ${status} is not described`);
    return schema;
  }

  return (method, url, { status, body }) => {
    if (url === "/openapi.json") return;
    const schema = describedSchema(method, url, status);
    let validate = validators.get(schema);
    if (validate === undefined) validators.set(schema, (validate = ajv.compile(schema)));
    const problem = validate(body) ? errorProblem(status, body) : ajv.errorsText(validate.errors);
    if (problem !== null) {
      throw new Error(
        `${method} ${url}: the answer is not as described: ${problem}\n${JSON.stringify(body)}`,
      );
    }
  };
}

/** What a schema cannot say of an error. */
function errorProblem(status: number, body: unknown): string | null {
  if (status < 400) return null;
  const { statusCode, code, message } = body as ErrorBody;
  if (statusCode !== status) return `it says ${statusCode}, but its status is ${status}`;
  if (!Object.hasOwn(ERROR_CODES, code)) return `its code ${code} is not in ERROR_CODES`;
  if (message.includes("\n") || message.length > 1000) return "its message is not one short line";
  return null;
}
