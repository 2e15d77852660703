import { RemoteError } from "../remote/remote.ts";
import type { FailureKind } from "./retry-policy.ts";

/** A cycle, or a comparison, that was asked for did not succeed. `cause` is why. */
export class SyncFailedError extends Error {
  override readonly name = "SyncFailedError";
  readonly kind: FailureKind;
  readonly code: string;
  /** How long the remote asked us to wait (RFC 9110, section 10.2.3), in ms; null where it did not. */
  readonly retryAfterMs: number | null;
  constructor(
    kind: FailureKind,
    code: string,
    message: string,
    options: ErrorOptions & { retryAfterMs?: number | null } = {},
  ) {
    super(message, options);
    this.kind = kind;
    this.code = code;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** Whatever was thrown, as a failure with a kind: what is not the remote's is a fault of ours. */
export function toSyncFailure(thrown: unknown): SyncFailedError {
  if (thrown instanceof SyncFailedError) return thrown;
  if (thrown instanceof RemoteError) {
    const { kind, code, message } = thrown;
    return new SyncFailedError(kind, code, message, { cause: thrown, retryAfterMs: retryAfter(thrown) });
  }
  const cause = thrown instanceof Error ? thrown : new Error(String(thrown));
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : "HD_INTERNAL";
  return new SyncFailedError("internal", code, cause.message, { cause });
}

function retryAfter(error: RemoteError): number | null {
  const ms = "retryAfterMs" in error ? error.retryAfterMs : null;
  return typeof ms === "number" && ms >= 0 ? ms : null;
}
