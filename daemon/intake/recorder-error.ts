/** Why something was not recorded or changed, although the request was well formed. */
export class RecorderError extends Error {
  override readonly name = "RecorderError";
  readonly code:
    | "HD_INVALID"
    | "HD_NOT_FOUND"
    | "HD_ID_TAKEN"
    | "HD_DELETED"
    | "HD_GONE"
    | "HD_OMITTED"
    | "HD_RESTORE_EXPIRED";
  constructor(code: RecorderError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
