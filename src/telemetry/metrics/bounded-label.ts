/** In place of every value that comes too late. */
export const OTHER = 'other';

/**
 * Keeps a label from having as many values as strangers can think of: each value makes a series of its own, here and in
 * Prometheus, for ever.
 * @param always values that do not count
 * @returns the value itself for the first so many different ones, else {@link OTHER}
 */
export function boundLabel(maxValues: number, always: Iterable<string> = []): (value: string) => string {
  const known = new Set(always);
  const maxKnown = known.size + maxValues;
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= maxKnown) return OTHER;
    known.add(value);
    return value;
  };
}
