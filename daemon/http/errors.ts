import { STATUS_CODES } from "node:http";
import type { ErrorBody, ErrorCode } from "../../client-lib/protocol/errors.ts";
import type { RecorderError } from "../intake/recorder-error.ts";

/** An error that a route answers with. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly statusCode: number;
  readonly code: ErrorCode;
  constructor(statusCode: number, code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.statusCode = statusCode;
    this.code = code;
  }
}

const RECORDER_STATUS: Record<RecorderError["code"], number> = {
  HD_INVALID: 400,
  HD_NOT_FOUND: 404,
  HD_ID_TAKEN: 409,
  HD_DELETED: 409,
  HD_GONE: 409,
  HD_OMITTED: 409,
  HD_RESTORE_EXPIRED: 410,
};

/** Fastify's own errors that need words of ours, by their code. */
const FASTIFY_ERRORS: Record<string, { statusCode: number; code: ErrorCode; message: string }> = {
  FST_ERR_CTP_BODY_TOO_LARGE: {
    statusCode: 413,
    code: "HD_TOO_LARGE",
    message: "the body is larger than this route takes; /openapi.json states the limits of its fields",
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    statusCode: 415,
    code: "HD_UNSUPPORTED_MEDIA_TYPE",
    message: "expected a JSON body; send it with the header 'content-type: application/json'",
  },
  FST_ERR_CTP_EMPTY_JSON_BODY: {
    statusCode: 400,
    code: "HD_BAD_JSON",
    message: "the body is empty; expected JSON, or no content-type header where the route takes no body",
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    statusCode: 400,
    code: "HD_BAD_REQUEST",
    message: "the body's length is not what its content-length header says",
  },
};

interface ErrorLike {
  name?: unknown;
  code?: unknown;
  message?: unknown;
  statusCode?: unknown;
}

/** What a reader meets comes from SQLite as it is: writers' errors are worded by the store. */
function toReadProblem(code: string, message: string): string {
  const problem = `the cache cannot be read: ${message}`;
  if (!/^SQLITE_(CORRUPT|NOTADB)/.test(code)) return problem;
  return `${problem}; stop historyd, move cache.db and cache.db-wal away together and start it again: what the remote has is pulled anew, and entries not sent yet stay in the files that were moved`;
}

/** Any error as the API's answer. What nobody expected becomes a 500 that tells nothing; the log has the rest. */
export function toApiError(thrown: unknown): { statusCode: number; code: ErrorCode; message: string } {
  const error = (typeof thrown === "object" && thrown !== null ? thrown : {}) as ErrorLike;
  const code = String(error.code);
  const message = String(error.message);
  if (thrown instanceof ApiError) return thrown;
  if (error.name === "RecorderError") {
    return {
      statusCode: RECORDER_STATUS[code as RecorderError["code"]],
      code: code as RecorderError["code"],
      message,
    };
  }
  if (error.name === "SyncFailedError") {
    if (code === "HD_SYNC_OFF") return { statusCode: 409, code, message };
    if (code === "HD_STOPPING") return { statusCode: 503, code, message };
    return { statusCode: 503, code: "HD_SYNC_FAILED", message: `${code}: ${message}` };
  }
  if (code === "HD_CLOSED")
    return { statusCode: 503, code: "HD_STOPPING", message: "the daemon is stopping" };
  if (error.name === "SqliteError")
    return { statusCode: 503, code: "HD_STORAGE", message: toReadProblem(code, message) };
  if (error.name === "StorageError") return { statusCode: 503, code: "HD_STORAGE", message };
  const known = FASTIFY_ERRORS[code];
  if (known !== undefined) return known;
  const statusCode = typeof error.statusCode === "number" ? error.statusCode : 500;
  if (statusCode >= 400 && statusCode < 500) {
    const badJson = thrown instanceof SyntaxError || code === "FST_ERR_CTP_INVALID_JSON_BODY";
    return badJson
      ? { statusCode: 400, code: "HD_BAD_JSON", message: `the body is not JSON: ${message}` }
      : { statusCode, code: "HD_BAD_REQUEST", message };
  }
  return { statusCode: 500, code: "HD_INTERNAL", message: "an unexpected error; the daemon's log says more" };
}

export function toErrorBody(error: { statusCode: number; code: ErrorCode; message: string }): ErrorBody {
  return {
    statusCode: error.statusCode,
    code: error.code,
    error: STATUS_CODES[error.statusCode] ?? "Error",
    message: error.message,
  };
}
