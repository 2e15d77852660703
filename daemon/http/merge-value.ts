import type { ValidateFunction } from "ajv";
import type { TSchema } from "typebox";
import { EntryPatch, NewEntry } from "../../client-lib/protocol/entry.ts";
import { NullableTime } from "../../client-lib/protocol/schema.ts";
import { ApiError } from "./errors.ts";
import { toProblem, type Validation } from "./validation.ts";

/** What the fields of an entry may hold, by the rules of `POST` and `PATCH /v1/history`. */
const { id: _, ...FIELDS } = {
  ...NewEntry.properties,
  ...EntryPatch.properties,
  deleted_at: NullableTime("when it was deleted; null: it is not"),
} satisfies Record<string, TSchema>;

/** Refuses a merged value that its field could not have got in another way. */
export type MergeValueCheck = (recordKind: string, field: string, value: unknown) => void;

export function createMergeValueCheck(validation: Validation): MergeValueCheck {
  const validators = new Map<string, ValidateFunction>(
    Object.entries(FIELDS).map(([field, schema]) => [field, validation.body(schema)]),
  );
  return (recordKind, field, value) => {
    const validate = recordKind === "history" ? validators.get(field) : undefined;
    if (validate === undefined) {
      throw new ApiError(
        400,
        "HD_INVALID",
        "body.choice: expected 'local' or 'remote', as this field takes no other value",
      );
    }
    if (validate(value)) return;
    const { message, tooLarge } = toProblem(validate.errors ?? [], "body.value");
    throw tooLarge ? new ApiError(413, "HD_TOO_LARGE", message) : new ApiError(400, "HD_INVALID", message);
  };
}
