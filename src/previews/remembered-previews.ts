import { isDeepStrictEqual } from 'node:util';
import { LRUCache } from 'lru-cache';
import type { Config, DomainConfig } from '../config/index.ts';
import { type Database, findUrlPreview, insertUrlPreview, type UrlPreviewKey } from '../database/index.ts';
import { Unavailable } from '../matrix/index.ts';
import type { Log } from '../telemetry/index.ts';
import { type Outcome, outcomeOf, rowOf } from './preview-rows.ts';

/**
 * What became of links, by hour and language. In memory for the domain that asked; and in matrix-media-repo's table, where
 * all processes and domains see it, unless domains differ in what they may ask.
 */
export interface RememberedPreviews {
  find(config: Config, domain: DomainConfig, key: UrlPreviewKey): Promise<Outcome | undefined>;
  /** @param isLasting whether the outcome will most likely be the same in a few minutes; else it is kept for one, in memory */
  keep(config: Config, domain: DomainConfig, key: UrlPreviewKey, outcome: Outcome, isLasting: boolean): Promise<void>;
}

export interface RememberedPreviewsParts {
  readonly database: Database;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const MAX_REMEMBERED = 2_000;
const HOUR_MS = 3_600_000;
const PASSING_MS = 60_000;

export function createRememberedPreviews({ database, log, now }: RememberedPreviewsParts): RememberedPreviews {
  const remembered = new LRUCache<string, Outcome>({ max: MAX_REMEMBERED, ttlResolution: 0, perf: { now } });
  const sharing = new WeakMap<Config, boolean>();
  const share = (config: Config) => {
    const known = sharing.get(config) ?? askAlike(config);
    sharing.set(config, known);
    return known;
  };
  return {
    async find(config, domain, key) {
      const known = remembered.get(nameOf(domain, key));
      if (known !== undefined || !share(config)) return known;
      const row = await findUrlPreview(database.db, key);
      return row && outcomeOf(row);
    },
    async keep(config, domain, key, outcome, isLasting) {
      remembered.set(nameOf(domain, key), outcome, { ttl: isLasting ? HOUR_MS : PASSING_MS });
      const insert = isLasting && share(config) ? insertUrlPreview(database.db, rowOf(key, outcome)) : undefined;
      if (insert === undefined) return;
      try {
        await database.atomically([insert]);
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        log.warn({ err: error }, 'A preview could not be written down; it is remembered by this process only');
      }
    },
  };
}

function nameOf({ serverName }: DomainConfig, { url, bucketTs, language }: UrlPreviewKey): string {
  return `${serverName} ${bucketTs} ${language} ${url}`;
}

/** Whether what one domain has found out may be told to the users of any other. */
function askAlike({ domains }: Config): boolean {
  const [first, ...others] = [...domains.values()].map(({ urlPreviews }) => {
    const { allowedNetworks, disallowedNetworks, urlDenyList, previewUnsafeCertificates, proxy } = urlPreviews;
    return { allowedNetworks, disallowedNetworks, urlDenyList, previewUnsafeCertificates, proxy };
  });
  return others.every((other) => isDeepStrictEqual(other, first));
}
