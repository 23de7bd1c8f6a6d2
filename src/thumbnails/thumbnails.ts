import { LRUCache } from 'lru-cache';
import type { DomainConfig } from '../config/index.ts';
import {
  type CompilableQuery,
  findObjectWithHash,
  findThumbnail,
  findThumbnailOfContent,
  type MediaRow,
  saveThumbnail,
  type ThumbnailRow,
  touchLastAccess,
} from '../database/index.ts';
import type { StoredObject } from '../datastores/index.ts';
import { InternalError, type MxcUri } from '../matrix/index.ts';
import {
  commitObject,
  type Media,
  type MediaAsker,
  type MediaParts,
  openObject,
  placeObject,
  readWhole,
  receiveBytes,
} from '../media/index.ts';
import { chooseSize, type Method, type Size } from './choose-size.ts';
import { decoderLimitsOf, mayMove, refuseUnsuitable } from './suitable.ts';
import type { Rendered, Thumbnailer } from './thumbnailer.ts';

export interface ThumbnailsParts extends MediaParts {
  readonly media: Pick<Media, 'find'>;
  readonly thumbnailer: Thumbnailer;
}

export interface AskedThumbnail {
  readonly uri: MxcUri;
  readonly size: Size;
  readonly method: Method;
  /** Whether it should move; `undefined`: as the configuration says. */
  readonly animated: boolean | undefined;
}

/** What one thumbnail of a media is known by, beside the media. */
type Shape = Pick<ThumbnailRow, 'width' | 'height' | 'animated'> & { readonly method: Method };

/** A picture to send: a thumbnail, or the original where that is small enough. Dispose it. */
export interface OpenThumbnail extends AsyncDisposable {
  readonly contentType: string;
  /** Of the picture that is sent. */
  readonly sha256: string;
  readonly object: StoredObject;
}

export interface Thumbnails {
  open(domain: DomainConfig, asked: AskedThumbnail, asker: MediaAsker, signal: AbortSignal): Promise<OpenThumbnail>;
}

const MAX_KNOWN = 20_000;
/** As for the records of media: other processes may change them meanwhile. */
const KNOWN_MS = 10_000;

export function createThumbnails(given: ThumbnailsParts): Thumbnails {
  const known: KnownThumbnails = new LRUCache({ max: MAX_KNOWN, ttl: KNOWN_MS, perf: { now: given.now } });
  const parts = { ...given, known };
  return { open: (domain, asked, asker, signal) => openThumbnail(parts, domain, asked, asker, signal) };
}

/**
 * What was found out of late, so that a thumbnail that everybody looks at costs no query: its row, or the type of an
 * original that is small enough to be sent as it is.
 */
type KnownThumbnails = Pick<LRUCache<string, ThumbnailRow | string>, 'get' | 'set' | 'delete'>;
type Parts = ThumbnailsParts & { readonly known: KnownThumbnails };

function nameOf({ width, height, method, animated }: Shape): string {
  return `${width}x${height}-${method}${animated ? '-animated' : ''}`;
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
  const shape = { ...size, method: asked.method, animated };
  const stored = await openStored(parts, media, shape, signal);
  if (stored !== undefined) return stored;

  refuseUnsuitable(media, domain);
  await using _lock = await parts.locks.acquire(`thumbnail-${media.sha256_hash}-${nameOf(shape)}`, signal);
  return (await openStored(parts, media, shape, signal)) ?? (await generate(parts, domain, media, shape, signal));
}

/** The stored one; also one that was made of the same bytes under another URI, which then gets a row of its own. */
async function openStored(
  parts: Parts,
  media: MediaRow,
  shape: Shape,
  signal: AbortSignal,
): Promise<OpenThumbnail | undefined> {
  const { db } = parts.database;
  const key = keyOf(media, shape);
  const known = parts.known.get(key);
  if (typeof known === 'string') {
    return asOpenThumbnail(known, media.sha256_hash, await openObject(parts, media, signal));
  }
  const own = known ?? (await findThumbnail(db, { origin: media.origin, media_id: media.media_id, ...shape }));
  const row = own ?? (await findThumbnailOfContent(db, media.sha256_hash, shape));
  if (row === undefined) return undefined;
  const object = await openIfThere(parts, row, signal);
  if (object === undefined) {
    parts.known.delete(key);
    return undefined;
  }
  parts.known.set(key, row);
  parts.usage.touch(row.sha256_hash);
  if (own === undefined) {
    await parts.database.atomically([saveThumbnail(db, { ...row, origin: media.origin, media_id: media.media_id })]);
  }
  return asOpenThumbnail(row.content_type, row.sha256_hash, object);
}

/** A thumbnail whose object is lost is made again; that is cheaper than a complaint. */
async function openIfThere(parts: Parts, row: ThumbnailRow, signal: AbortSignal): Promise<StoredObject | undefined> {
  try {
    return await openObject(parts, row, signal);
  } catch (error) {
    if (error instanceof InternalError) return undefined;
    throw error;
  }
}

async function generate(
  parts: Parts,
  domain: DomainConfig,
  media: MediaRow,
  shape: Shape,
  signal: AbortSignal,
): Promise<OpenThumbnail> {
  const original = await openObject(parts, media, signal);
  await using held = new AsyncDisposableStack();
  held.use(original);
  const { width, height, ...rest } = shape;
  const { stillFrame } = domain.thumbnails;
  const rendered = await parts.thumbnailer.render(
    () => readWhole(original, signal), // when its turn has come: waiting costs no memory
    { size: { width, height }, ...rest, stillFrame, ...decoderLimitsOf(domain) },
    signal,
  );
  if (rendered.kind === 'original') {
    held.move(); // whoever sends it disposes it
    parts.known.set(keyOf(media, shape), rendered.contentType);
    return asOpenThumbnail(rendered.contentType, media.sha256_hash, original);
  }
  const row = await store(parts, domain, media, shape, rendered, signal);
  parts.known.set(keyOf(media, shape), row);
  return asOpenThumbnail(row.content_type, row.sha256_hash, await openObject(parts, row, signal));
}

/** A still picture that was made where a moving one was wanted is also the still one of its size. */
async function store(
  parts: Parts,
  domain: DomainConfig,
  media: MediaRow,
  shape: Shape,
  picture: Pick<Extract<Rendered, { kind: 'picture' }>, 'bytes' | 'contentType' | 'animated'>,
  signal: AbortSignal,
): Promise<ThumbnailRow> {
  const { db } = parts.database;
  const datastore = parts.datastores.choose('thumbnails', domain.datastores);
  const received = await receiveBytes(asStream(picture.bytes), datastore, Number.POSITIVE_INFINITY, signal);
  await using _temporary = received.temporary;
  await using _lock = await parts.locks.acquire(`mutex-${received.sha256}`, signal);
  const known = await findObjectWithHash(db, received.sha256);
  const placed = await placeObject(parts, datastore, received, known, signal);
  const now = parts.now();
  const row: ThumbnailRow = {
    origin: media.origin,
    media_id: media.media_id,
    ...shape,
    content_type: picture.contentType,
    size_bytes: received.sizeBytes,
    location: placed.place.location,
    creation_ts: now,
    sha256_hash: received.sha256,
    datastore_id: placed.place.datastore_id,
  };
  const rows: CompilableQuery[] = [saveThumbnail(db, row), touchLastAccess(db, received.sha256, now)];
  if (shape.animated && !picture.animated) rows.push(saveThumbnail(db, { ...row, animated: false }));
  await commitObject(parts.database, placed, rows, signal);
  return row;
}

function asOpenThumbnail(contentType: string, sha256: string, object: StoredObject): OpenThumbnail {
  return { contentType, sha256, object, [Symbol.asyncDispose]: () => object[Symbol.asyncDispose]() };
}

async function* asStream(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
