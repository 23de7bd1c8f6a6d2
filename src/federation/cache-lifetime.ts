const HOUR_MS = 3_600_000;
/** So that a header cannot make us ask each time. */
const SHORTEST_MS = 5 * 60_000;
const LONGEST_MS = 48 * HOUR_MS;
const DEFAULT_MS = 24 * HOUR_MS;

/**
 * How long a delegation is believed, by the headers that it came with: what they say, but five minutes at least and 48 hours at
 * most; a day when they say nothing. Specification: Server-Server API, "Resolving server names", step 3.
 * @param nowTs for `Expires`, when the answer has no `Date`
 */
export function cacheLifetimeMs(headers: Headers, nowTs: number): number {
  const ms = statedLifetimeMs(headers, nowTs);
  return ms === undefined ? DEFAULT_MS : Math.min(Math.max(ms, SHORTEST_MS), LONGEST_MS);
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** RFC 9111, section 5.2.2: `max-age` wins over `Expires`. */
function statedLifetimeMs(headers: Headers, nowTs: number): number | undefined {
  const directives = textOf(headers['cache-control']).toLowerCase();
  if (/(^|[\s,])(no-store|no-cache)(?![\w-])/.test(directives)) return 0;
  const seconds = /(^|[\s,])max-age="?(\d+)/.exec(directives)?.[2];
  if (seconds !== undefined) return (Number(seconds) - ageOf(headers)) * 1000;
  const expires = headers['expires'];
  if (expires === undefined) return undefined;
  const ms = Date.parse(textOf(expires)) - (Date.parse(textOf(headers['date'])) || nowTs);
  return Number.isNaN(ms) ? 0 : ms; // what is no date has expired. RFC 9111, section 5.3
}

/** Seconds that it has lain in a cache on the way. */
function ageOf(headers: Headers): number {
  const age = textOf(headers['age']);
  return /^\d+$/.test(age) ? Number(age) : 0;
}

function textOf(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(', ') : (value ?? '');
}
