import type { MediaRow } from '../database/index.ts';
import type { StoredObject } from '../datastores/index.ts';
import { InternalError } from '../matrix/index.ts';
import { followMoves } from './follow-moves.ts';
import type { MediaParts } from './media-parts.ts';
import { openObject } from './open-object.ts';

type Parts = Pick<MediaParts, 'datastores' | 'hotObjects' | 'counts' | 'records'>;

/**
 * Opens what a record of media points at, also when that has moved since the record was found, or moves before it is read. Dispose
 * what you get.
 * @throws {InternalError} when it is lost
 */
export async function openMediaObject(parts: Parts, found: MediaRow, signal: AbortSignal): Promise<StoredObject> {
  let last = found;
  const findAgain = async (asking: AbortSignal): Promise<StoredObject | undefined> => {
    const uri = { origin: found.origin, mediaId: found.media_id };
    const media = (await parts.records.findNow(uri))?.media;
    if (media === undefined || media.quarantined || media.sha256_hash !== found.sha256_hash) return undefined;
    if (media.location === last.location && media.datastore_id === last.datastore_id) return undefined;
    last = media;
    parts.records.forget(uri);
    return await openObject(parts, media, asking);
  };
  const object = await openNow(parts, found, findAgain, signal);
  // A datastore that was not asked yet may have lost it by the time that it is.
  return object.confirm === undefined ? object : followMoves(object, findAgain);
}

async function openNow(
  parts: Parts,
  found: MediaRow,
  findAgain: (signal: AbortSignal) => Promise<StoredObject | undefined>,
  signal: AbortSignal,
): Promise<StoredObject> {
  try {
    return await openObject(parts, found, signal);
  } catch (error) {
    const moved = error instanceof InternalError ? await findAgain(signal) : undefined;
    if (moved === undefined) throw error;
    return moved;
  }
}
