/** The same fields, where an optional one may also be undefined. */
type MaybeUndefined<T> = { [K in keyof T]: object extends Pick<T, K> ? T[K] | undefined : T[K] };

/** Leaves away what is undefined: on the wire, an option that was not given is a field that is not there. */
export function defined<T extends object>(fields: MaybeUndefined<T>): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
