import { LRUCache } from 'lru-cache';
import { createSingleFlight, type SingleFlight } from '../cluster/index.ts';
import type { DomainConfig } from '../config/index.ts';
import { ConditionFailed, type MediaRow, objectIsReferenced } from '../database/index.ts';
import type { StoredObject } from '../datastores/index.ts';
import { InternalError, type MxcUri } from '../matrix/index.ts';
import {
  type Media,
  type MediaAsker,
  openMediaObject,
  openObject,
  type Repeatable,
  recallObject,
} from '../media/index.ts';
import { chooseSize, type Method, type Size } from './choose-size.ts';
import type { DecodingParts } from './decode-media.ts';
import { type Made, makeThumbnail } from './make-thumbnail.ts';
import { mayMove, refuseUnsuitable } from './suitable.ts';
import { findRow, findRowOfContent, type Shape, type StoredThumbnail, saveRow } from './thumbnail-rows.ts';

export interface ThumbnailsParts extends DecodingParts {
  readonly media: Pick<Media, 'find'>;
}

export interface AskedThumbnail {
  readonly uri: MxcUri;
  readonly size: Size;
  readonly method: Method;
  /** Whether it should move; `undefined`: as the configuration says. */
  readonly animated: boolean | undefined;
  /** That the client has named; see `thumbnails.preferredTypes`. */
  readonly acceptedTypes?: ReadonlySet<string>;
}

/** A picture to send: a thumbnail, or the original where that is small enough. Dispose it. */
export interface OpenThumbnail extends AsyncDisposable, Repeatable {
  readonly contentType: string;
  /** Of the picture that is sent. */
  readonly sha256: string;
  readonly object: StoredObject;
  /** When the picture was stored, in milliseconds since 1970; `undefined`: it is kept nowhere. */
  readonly createdTs: number | undefined;
}

interface FoundThumbnail extends Omit<OpenThumbnail, 'again'> {
  readonly made: Made;
}

export interface Thumbnails {
  open(domain: DomainConfig, asked: AskedThumbnail, asker: MediaAsker, signal: AbortSignal): Promise<OpenThumbnail>;
}

const MAX_KNOWN = 20_000;
/** As for the records of media: other processes may change them meanwhile. */
const KNOWN_MS = 10_000;

export function createThumbnails(given: ThumbnailsParts): Thumbnails {
  const known: KnownThumbnails = new LRUCache({
    maxSize: MAX_KNOWN,
    sizeCalculation: () => 1,
    ttl: KNOWN_MS,
    perf: { now: given.steadyNow },
  });
  const parts = { ...given, known, shareWork: createSingleFlight<Made>() };
  return { open: (domain, asked, asker, signal) => openThumbnail(parts, domain, asked, asker, signal) };
}

/** What was found out of late, so that a thumbnail that everybody looks at costs no query. */
type KnownThumbnails = Pick<LRUCache<string, Made>, 'get' | 'set' | 'delete'>;
type Parts = ThumbnailsParts & { readonly known: KnownThumbnails; readonly shareWork: SingleFlight<Made> };

function nameOf({ width, height, method, animated, stillType }: Shape): string {
  return [`${width}x${height}`, method, ...(animated ? ['animated'] : []), ...(stillType ? [stillType] : [])].join('-');
}

function keyOf({ sha256_hash, origin, media_id }: MediaRow, shape: Shape): string {
  return `${sha256_hash} ${origin}/${media_id} ${nameOf(shape)}`;
}

/**
 * Finds the thumbnail of the configured size that fits, or makes it. One is made at a time for the same content, size
 * and method, however many ask. Specification: TH-1 to TH-21.
 * @throws {NotFound} `BadRequest` for what is not a picture, `TooLarge` for what is too big to decode
 */
async function openThumbnail(
  parts: Parts,
  domain: DomainConfig,
  asked: AskedThumbnail,
  asker: MediaAsker,
  signal: AbortSignal,
): Promise<OpenThumbnail> {
  const { thumbnails: options } = domain;
  const size = chooseSize(asked.size, asked.method, options.sizes, options.dynamicSizing);
  const media = await parts.media.find(asked.uri, asker, signal);
  const animated = (asked.animated ?? options.defaultAnimated) && mayMove(media, domain);
  const stillType = animated ? undefined : options.preferredTypes.find((type) => asked.acceptedTypes?.has(type));
  const shape = { ...size, method: asked.method, animated, stillType };
  const repeatable = (opened: FoundThumbnail): OpenThumbnail => ({
    ...opened,
    again() {
      const isSame = parts.records.isCurrent(asked.uri, media) && parts.known.get(keyOf(media, shape)) === opened.made;
      return isSame ? recallObject(parts, opened.sha256) : undefined;
    },
  });
  const stored = await openStored(parts, media, shape, signal);
  if (stored !== undefined) return repeatable(stored);

  refuseUnsuitable(media, domain);
  // Shared by all who ask now, and given up when the last of them has left.
  const made = await parts.shareWork(keyOf(media, shape), signal, (shared) =>
    findOrMake(parts, domain, media, shape, shared),
  );
  return repeatable(await openMade(parts, media, made, signal));
}

/** The lock is for those who ask for the same content under another URI. */
async function findOrMake(
  parts: Parts,
  domain: DomainConfig,
  media: MediaRow,
  shape: Shape,
  signal: AbortSignal,
): Promise<Made> {
  await using _lock = await parts.locks.acquire(`thumbnail-${media.sha256_hash}-${nameOf(shape)}`, signal);
  await using stored = await openStored(parts, media, shape, signal);
  if (stored !== undefined) return stored.made;
  const made = await makeThumbnail(parts, domain, media, shape, signal);
  parts.known.set(keyOf(media, shape), made);
  const { width, height, method, animated } = shape;
  parts.counts?.thumbnailMade({ width, height, method, animated, origin: media.origin });
  return made;
}

/** The stored one; also one that was made of the same bytes under another URI, which then gets a row of its own. */
async function openStored(
  parts: Parts,
  media: MediaRow,
  shape: Shape,
  signal: AbortSignal,
): Promise<FoundThumbnail | undefined> {
  const { db } = parts.database;
  const key = keyOf(media, shape);
  const known = parts.known.get(key);
  if (typeof known === 'string') return await openMade(parts, media, known, signal);
  const own = known ?? (await findRow(db, media, shape));
  const row = own ?? (await takeRowOfContent(parts, media, shape, signal));
  if (row === undefined) return undefined;
  const opened = await openIfThere(parts, media, row, signal);
  if (opened === undefined) {
    parts.known.delete(key);
    return undefined;
  }
  parts.known.set(key, row);
  return opened;
}

/** One that was made of the same bytes under another URI; this one gets a row of its own. */
async function takeRowOfContent(
  { database, locks }: Parts,
  { origin, media_id, sha256_hash }: MediaRow,
  shape: Shape,
  signal: AbortSignal,
): Promise<StoredThumbnail | undefined> {
  const found = await findRowOfContent(database.db, sha256_hash, shape);
  if (found === undefined) return undefined;
  // Under the lock on the thumbnail's content nobody deletes or moves its object; until then somebody may have.
  await using _lock = await locks.acquire(`mutex-${found.sha256_hash}`, signal);
  const row = await findRowOfContent(database.db, sha256_hash, shape);
  if (row?.sha256_hash !== found.sha256_hash) return undefined;
  try {
    await database.atomically(
      [saveRow(database.db, { ...row, origin, media_id }, shape)],
      [objectIsReferenced(database, row)],
    );
  } catch (error) {
    if (error instanceof ConditionFailed) return undefined; // another process has deleted it
    throw error;
  }
  return row;
}

/** A thumbnail whose object is lost, or whose datastore is, is made again; that is cheaper than a complaint. */
async function openIfThere(
  parts: Parts,
  media: MediaRow,
  row: StoredThumbnail,
  signal: AbortSignal,
): Promise<FoundThumbnail | undefined> {
  if (parts.datastores.find(row.datastore_id) === undefined) return undefined;
  try {
    const opened = await openMade(parts, media, row, signal);
    if (opened.object.redirect === undefined) await confirm(opened, signal);
    return opened;
  } catch (error) {
    if (error instanceof InternalError) return undefined;
    throw error;
  }
}

async function confirm(opened: FoundThumbnail, signal: AbortSignal): Promise<void> {
  try {
    await opened.object.confirm?.(signal);
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

async function openMade(parts: Parts, media: MediaRow, made: Made, signal: AbortSignal): Promise<FoundThumbnail> {
  const [row, contentType] = typeof made === 'string' ? [media, made] : [made, made.content_type];
  const object = await (typeof made === 'string'
    ? openMediaObject(parts, media, signal)
    : openObject(parts, made, signal));
  parts.usage.touch(row.sha256_hash);
  return {
    made,
    contentType,
    sha256: row.sha256_hash,
    object,
    createdTs: row.creation_ts,
    [Symbol.asyncDispose]: () => object[Symbol.asyncDispose](),
  };
}
