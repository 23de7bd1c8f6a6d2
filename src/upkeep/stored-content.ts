import type { Locks } from '../cluster/index.ts';
import { isReferenced, type ObjectPlace } from '../database/index.ts';
import type { UpkeepParts } from './upkeep-parts.ts';

/**
 * Keeps everybody away who would store this content, or make a row that points at an object with it. What is found out
 * under the lock holds until it is released.
 */
export function lockContent(locks: Locks, sha256: string, signal: AbortSignal): Promise<AsyncDisposable> {
  return locks.acquire(`mutex-${sha256}`, signal);
}

/**
 * Deletes an object that no row points at any more, under whatever ID of its place. To be called under the lock on its content,
 * when the rows are gone: a crash in between leaves an object without rows, never a row without its object.
 * @returns whether it was deleted
 */
export async function deleteUnreferenced(
  { database, datastores }: Pick<UpkeepParts, 'database' | 'datastores'>,
  place: ObjectPlace,
  signal: AbortSignal,
): Promise<boolean> {
  for (const datastore_id of [place.datastore_id, ...datastores.sharing(place.datastore_id)]) {
    if (await isReferenced(database.db, { ...place, datastore_id })) return false;
  }
  const datastore = datastores.find(place.datastore_id);
  await datastore?.delete(place.location, signal);
  return datastore !== undefined;
}
