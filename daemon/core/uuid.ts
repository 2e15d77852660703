import { createHash } from "node:crypto";

/**
 * An id that follows from what it names, so that making it again gives the same one.
 * UUID version 8 (RFC 9562, section 5.8): the first 122 free bits of SHA-256 over the parts.
 */
export function partsToUuid(parts: readonly (string | number)[]): string {
  const hash = createHash("sha256").update(JSON.stringify(parts)).digest();
  hash[6] = (hash[6]! & 0x0f) | 0x80;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  const hex = hash.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}
