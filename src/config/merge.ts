/**
 * Key by key, to any depth: what only one side has is kept, and where both have a value the later one wins. Lists are
 * values. `undefined` counts as not given.
 */
export function mergeDeep<T>(earlier: T, later: unknown): T {
  if (later === undefined) return earlier;
  if (!isPlainObject(earlier) || !isPlainObject(later)) return later as T; // decoded by the same schema
  const merged = new Map(Object.entries(earlier)); // keys may have any name, `__proto__` included
  for (const [key, value] of Object.entries(later)) merged.set(key, mergeDeep(merged.get(key), value));
  return Object.fromEntries(merged) as T;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value itself, which nobody can change any more. */
export function freezeDeep<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freezeDeep);
  }
  return value;
}
