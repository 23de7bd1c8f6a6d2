import { LRUCache } from 'lru-cache';
import { type Bus, createSingleFlight } from '../cluster/index.ts';
import { type Database, findMediaAndRestriction, type MediaRow } from '../database/index.ts';
import { formatMxcUri, type MxcUri } from '../matrix/index.ts';

export interface MediaRecord {
  readonly media: MediaRow;
  /** Frozen: for those with an access token only. */
  readonly requiresAuthentication: boolean;
}

/**
 * Records of media, remembered for a few seconds, so that what everybody looks at costs no query. Processes that share a
 * bus tell each other what has changed; others do not, and neither does a hand in the database: that is why it is seconds.
 * That there is no record is never remembered.
 */
export interface MediaRecords {
  find(uri: MxcUri, signal: AbortSignal): Promise<MediaRecord | undefined>;
  /** As `find`, past what is remembered or being asked: what was written before the call is seen. */
  findNow(uri: { readonly origin: string; readonly mediaId: string }): Promise<MediaRecord | undefined>;
  /** Whether `find` would give this very record, without asking the database. */
  isCurrent(uri: MxcUri, media: MediaRow): boolean;
  /** After the record has changed, in all processes. */
  forget(uri: { readonly origin: string; readonly mediaId: string }): void;
  /** As `forget`, after objects have moved or been blocked. */
  forgetAll(): void;
}

const MAX_RECORDS = 20_000;
const KEPT_MS = 10_000;

export interface MediaRecordsParts {
  readonly database: Database;
  readonly bus: Bus;
  readonly now: () => number;
}

const ALL = '*';

export function createMediaRecords({ database, bus, now }: MediaRecordsParts): MediaRecords {
  const records = new LRUCache<string, MediaRecord>({
    maxSize: MAX_RECORDS,
    sizeCalculation: () => 1,
    ttl: KEPT_MS,
    perf: { now },
  });
  const shareQuery = createSingleFlight<MediaRecord | undefined>();
  let age = 0;
  const drop = (key: string) => {
    age += 1; // what is being asked for now is not kept either
    if (key === ALL) records.clear();
    else records.delete(key);
  };
  const dropEverywhere = (key: string) => {
    drop(key);
    bus.publish('media_changed', key);
  };
  bus.hearOthers('media_changed', drop);
  bus.onGap(() => drop(ALL));
  const findNow: MediaRecords['findNow'] = (uri) => findMediaAndRestriction(database.db, uri.origin, uri.mediaId);
  return {
    async find(uri, signal) {
      const key = formatMxcUri(uri);
      const known = records.get(key);
      if (known !== undefined) return known;
      const askedAtAge = age;
      const found = await shareQuery(`${age} ${key}`, signal, () => findNow(uri));
      if (found !== undefined && askedAtAge === age) records.set(key, found);
      return found;
    },
    findNow,
    isCurrent: (uri, media) => records.get(formatMxcUri(uri))?.media === media,
    forget: (uri) => dropEverywhere(formatMxcUri(uri)),
    forgetAll: () => dropEverywhere(ALL),
  };
}
