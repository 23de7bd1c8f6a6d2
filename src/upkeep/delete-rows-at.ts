import { deleteMediaAt, findMediaAt, type MediaCondition, type ObjectPlace } from '../database/index.ts';
import type { UpkeepParts } from './upkeep-parts.ts';

const AT_ONCE = 500;

/**
 * Deletes the media rows that point at an object and that the condition fits when it is their turn, in parts: there may be a
 * million.
 * @returns how many were found
 */
export async function deleteRowsAt(
  { database, forgetRecord }: Pick<UpkeepParts, 'database' | 'forgetRecord'>,
  place: ObjectPlace,
  condition: MediaCondition,
): Promise<number> {
  const { db } = database;
  for (let found = 0; ; ) {
    const some = await findMediaAt(db, place, condition, AT_ONCE);
    if (some.length === 0) return found;
    await database.atomically(deleteMediaAt(db, place, condition, some));
    for (const { origin, media_id } of some) forgetRecord({ origin, mediaId: media_id });
    found += some.length;
  }
}
