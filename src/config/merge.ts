/**
 * Key by key, to any depth: what only one side has is kept, and where both have a value the later one wins. Lists are
 * values. `undefined` counts as not given.
 */
export function mergeDeep<T>(earlier: T, later: unknown): T {
  if (later === undefined) return earlier;
  if (!isPlainObject(earlier) || !isPlainObject(later)) return later as T; // decoded by the same schema
  const merged: Record<string, unknown> = { ...earlier };
  for (const [key, value] of Object.entries(later)) merged[key] = mergeDeep(merged[key], value);
  return merged as T;
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
