import type { RequestLabels } from '../counts.ts';
import { Distribution } from './distribution.ts';

/** What has been counted of the requests that have the same labels. */
export interface RequestTally {
  readonly labels: RequestLabels;
  begun: number;
  readonly endedByStatus: Map<number, number>;
  readonly seconds: Distribution;
}

/** Counts requests in a fraction of a microsecond: small answers take only a few. */
export interface RequestTallies {
  /** Found, or begun with nothing. */
  of(request: RequestLabels): RequestTally;
  all(): Iterable<RequestTally>;
}

export function createRequestTallies(bounds: readonly number[]): RequestTallies {
  const tallies = new Map<string, RequestTally>();
  return {
    of({ host, action, method }) {
      const key = `${host} ${action} ${method}`;
      const known = tallies.get(key);
      if (known !== undefined) return known;
      const labels = { host, action, method };
      const tally = { labels, begun: 0, endedByStatus: new Map<number, number>(), seconds: new Distribution(bounds) };
      tallies.set(key, tally);
      return tally;
    },
    all: () => tallies.values(),
  };
}
