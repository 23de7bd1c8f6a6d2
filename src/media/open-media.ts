import { findMediaAndRestriction, type MediaRow } from '../database/index.ts';
import type { StoredObject } from '../datastores/index.ts';
import { InternalError, type MxcUri, NotFound, Unavailable } from '../matrix/index.ts';
import type { MediaParts } from './media-parts.ts';

/** Media with its bytes at hand. Dispose it. */
export interface OpenMedia extends AsyncDisposable {
  readonly record: MediaRow;
  readonly object: StoredObject;
}

/** What is known of the asker that decides what may be seen. */
export interface MediaAsker {
  /** Has shown a valid access token; frozen media is for those only. */
  readonly isAuthenticated: boolean;
}

/**
 * The record, if this asker may see the media.
 * @throws {NotFound} also for media that is blocked, or that is frozen for those without a token (FZ-3)
 */
export async function findVisibleMedia(parts: MediaParts, uri: MxcUri, asker: MediaAsker): Promise<MediaRow> {
  const found = await findMediaAndRestriction(parts.database.db, uri.origin, uri.mediaId);
  if (found === undefined) throw new NotFound();
  if (found.requiresAuthentication && !asker.isAuthenticated) {
    throw new NotFound('This media needs an access token: use the endpoints below /_matrix/client/v1/media');
  }
  if (found.media.quarantined) throw new NotFound();
  return found.media;
}

/** @throws {NotFound} {@link Unavailable} when the datastore is away; {@link InternalError} when the object is lost */
export async function openMedia(
  parts: MediaParts,
  uri: MxcUri,
  asker: MediaAsker,
  signal: AbortSignal,
): Promise<OpenMedia> {
  const record = await findVisibleMedia(parts, uri, asker);
  const object = await openObject(parts, record, signal);
  return { record, object, [Symbol.asyncDispose]: () => object[Symbol.asyncDispose]() };
}

/** Opens what a row of `media` or `thumbnails` points at. Dispose what you get. */
export async function openObject(
  parts: Pick<MediaParts, 'datastores'>,
  row: Pick<MediaRow, 'datastore_id' | 'location' | 'size_bytes'>,
  signal: AbortSignal,
): Promise<StoredObject> {
  const datastore = parts.datastores.find(row.datastore_id);
  if (datastore === undefined) {
    const cause = new Error(`Datastore "${row.datastore_id}" is not open`);
    throw new Unavailable('The media cannot be reached at the moment', { cause });
  }
  const object = await datastore.open(row.location, signal);
  if (object?.sizeBytes === row.size_bytes) return object;
  await object?.[Symbol.asyncDispose]();
  const found = object === undefined ? 'is not there' : `has ${object.sizeBytes} bytes`;
  throw new InternalError({
    cause: new Error(`Object ${row.location} of datastore "${row.datastore_id}" ${found}; ${row.size_bytes} are due`),
  });
}
