import type { MediaRow } from '../database/index.ts';
import type { StoredObject } from '../datastores/index.ts';
import { InternalError, Unavailable } from '../matrix/index.ts';
import type { MediaParts } from './media-parts.ts';

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
  parts: Pick<MediaParts, 'datastores' | 'hotObjects' | 'counts'>,
  row: Pick<MediaRow, 'datastore_id' | 'location' | 'size_bytes' | 'sha256_hash'>,
  signal: AbortSignal,
): Promise<StoredObject> {
  const hot = parts.hotObjects.find(row.sha256_hash);
  parts.counts?.cacheLooked(hot !== undefined);
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
