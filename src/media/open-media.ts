import type { MediaRow } from '../database/index.ts';
import type { StoredObject } from '../datastores/index.ts';
import { InternalError, type MatrixError, type MxcUri, NotFound, Quarantined, Unavailable } from '../matrix/index.ts';
import { awaitMedia } from './awaited-media.ts';
import { type FetchFor, isRemote } from './fetch-for.ts';
import type { MediaParts } from './media-parts.ts';

/** Media with its bytes at hand. Dispose it. */
export interface OpenMedia extends AsyncDisposable, Repeatable {
  readonly record: MediaRow;
  readonly object: StoredObject;
}

/** What may be given again without looking anything up. */
export interface Repeatable {
  /** The object, counted as used, while its media is known to be as it was and the object is in memory. */
  again(): StoredObject | undefined;
}

/** What is known of the asker that decides what may be seen, and when. */
export interface MediaAsker {
  /** Has shown a valid access token; frozen media is for those only. */
  readonly isAuthenticated: boolean;
  /** A token was shown, and nobody could tell whether it is valid. Frozen media is refused with this, then. */
  readonly identityTrouble?: MatrixError | undefined;
  /** So long it waits for media that was announced and has not come yet, here or at another server, in milliseconds. */
  readonly waitMs: number;
  /** For whom media of other servers is fetched; `undefined`: it gets what is stored here. */
  readonly fetchFor?: FetchFor | undefined;
}

/**
 * The record, if this asker may see the media.
 * @throws {NotFound} also for media that is frozen for those without a token (FZ-3)
 * @throws the asker's `identityTrouble` when the media is frozen and a token might have shown it
 * @throws {Quarantined}
 * @throws {NotYetUploaded} when the asker has waited long enough
 */
export async function findVisibleMedia(
  parts: MediaParts,
  uri: MxcUri,
  asker: MediaAsker,
  signal: AbortSignal,
): Promise<MediaRow> {
  const here = (await parts.records.find(uri, signal)) ?? (await awaitMedia(parts, uri, asker.waitMs, signal));
  const found = here ?? (await fetchIfRemote(parts, uri, asker, signal));
  if (found === undefined) throw new NotFound();
  if (found.requiresAuthentication && !asker.isAuthenticated) throw refusalOfFrozen(asker);
  if (found.media.quarantined) throw new Quarantined();
  return found.media;
}

/** @returns the record of what has been fetched; `undefined`: there is nobody to ask, or nobody may be asked */
async function fetchIfRemote(parts: MediaParts, uri: MxcUri, asker: MediaAsker, signal: AbortSignal) {
  const { fetchFor } = asker;
  if (fetchFor === undefined || !isRemote(uri, fetchFor)) return undefined;
  // What is fetched now is frozen at once, so nothing is fetched for those who would not get it.
  if (fetchFor.config.repo.freezeUnauthenticatedMedia && !asker.isAuthenticated) throw refusalOfFrozen(asker);
  await parts.remoteMedia.fetch(uri, fetchFor, asker.waitMs, signal);
  return await parts.records.findNow(uri);
}

function refusalOfFrozen({ identityTrouble }: MediaAsker): MatrixError {
  const hint = 'This media needs an access token: use the endpoints below /_matrix/client/v1/media';
  return identityTrouble ?? new NotFound(hint);
}

/** @throws {NotFound} {@link Unavailable} when the datastore is away; {@link InternalError} when the object is lost */
export async function openMedia(
  parts: MediaParts,
  uri: MxcUri,
  asker: MediaAsker,
  signal: AbortSignal,
): Promise<OpenMedia> {
  const record = await findVisibleMedia(parts, uri, asker, signal);
  const object = await openObject(parts, record, signal);
  parts.usage.touch(record.sha256_hash);
  return {
    record,
    object,
    again: () => (parts.records.isCurrent(uri, record) ? recallObject(parts, record.sha256_hash) : undefined),
    [Symbol.asyncDispose]: () => object[Symbol.asyncDispose](),
  };
}

/** An object that is in memory, counted as used. */
export function recallObject(
  { hotObjects, usage }: Pick<MediaParts, 'hotObjects' | 'usage'>,
  sha256: string,
): StoredObject | undefined {
  const object = hotObjects.find(sha256);
  if (object !== undefined) usage.touch(sha256);
  return object;
}

/** Opens what a row of `media` or `thumbnails` points at. Dispose what you get. */
export async function openObject(
  parts: Pick<MediaParts, 'datastores' | 'hotObjects'>,
  row: Pick<MediaRow, 'datastore_id' | 'location' | 'size_bytes' | 'sha256_hash'>,
  signal: AbortSignal,
): Promise<StoredObject> {
  const hot = parts.hotObjects.find(row.sha256_hash);
  if (hot !== undefined) return hot;
  const datastore = parts.datastores.find(row.datastore_id);
  if (datastore === undefined) {
    const cause = new Error(`Datastore "${row.datastore_id}" is not open`);
    throw new Unavailable('The media cannot be reached at the moment', { cause });
  }
  const known = { sizeBytes: row.size_bytes, sha256: row.sha256_hash };
  const object = await datastore.openKnown(row.location, known, signal);
  if (object?.sizeBytes === row.size_bytes) return await parts.hotObjects.keep(row.sha256_hash, object, signal);
  await object?.[Symbol.asyncDispose]();
  const found = object === undefined ? 'is not there' : `has ${object.sizeBytes} bytes`;
  throw new InternalError({
    cause: new Error(`Object ${row.location} of datastore "${row.datastore_id}" ${found}; ${row.size_bytes} are due`),
  });
}
