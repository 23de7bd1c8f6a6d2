import type { CompilableQuery } from './database.ts';
import type { ObjectPlace } from './objects.ts';
import type { Db, ThumbnailRow } from './tables.ts';

export const THUMBNAIL_TABLES = ['thumbnails', 'vitrine_thumbnail_variants'] as const;
export type ThumbnailTable = (typeof THUMBNAIL_TABLES)[number];

/** What tells one thumbnail from any other, in both tables, and one that was made anew from the one that it replaced. */
export type MadeThumbnail = Omit<ThumbnailRow, 'animated'>;

/** Made before `beforeTs`, oldest first. */
export function findExpiredThumbnails(
  db: Db,
  table: ThumbnailTable,
  beforeTs: number,
  datastoreIds: readonly string[],
  limit: number,
): Promise<MadeThumbnail[]> {
  if (datastoreIds.length === 0) return Promise.resolve([]);
  return db
    .selectFrom(table)
    .select(['origin', 'media_id', 'width', 'height', 'method', 'content_type', 'size_bytes'])
    .select(['location', 'creation_ts', 'sha256_hash', 'datastore_id'])
    .where('creation_ts', '<', beforeTs)
    .where('datastore_id', 'in', datastoreIds)
    .orderBy('creation_ts')
    .limit(limit)
    .execute();
}

/** Of a media, in both tables. */
export async function findMadeThumbnails(db: Db, origin: string, mediaId: string): Promise<MadeThumbnail[]> {
  const found: MadeThumbnail[] = [];
  for (const table of THUMBNAIL_TABLES) {
    const rows = await db
      .selectFrom(table)
      .select(['origin', 'media_id', 'width', 'height', 'method', 'content_type', 'size_bytes'])
      .select(['location', 'creation_ts', 'sha256_hash', 'datastore_id'])
      .where('media_id', '=', mediaId)
      .where('origin', '=', origin)
      .execute();
    found.push(...rows);
  }
  return found;
}

/** Leaves alone what has been made anew, or was moved, since the row was read. */
export function deleteThumbnail(db: Db, table: ThumbnailTable, row: MadeThumbnail): CompilableQuery {
  const { origin, media_id, width, height, method, content_type, location, creation_ts, datastore_id } = row;
  return db
    .deleteFrom(table)
    .where((where) => where.and({ origin, media_id, width, height, method, content_type }))
    .where((where) => where.and({ location, creation_ts, datastore_id }));
}

/** Whether any thumbnail is in this place. */
export async function isThumbnailObject(db: Db, { datastore_id, location }: ObjectPlace): Promise<boolean> {
  for (const table of THUMBNAIL_TABLES) {
    const found = await db
      .selectFrom(table)
      .select('media_id')
      .where('datastore_id', '=', datastore_id)
      .where('location', '=', location)
      .limit(1)
      .executeTakeFirst();
    if (found !== undefined) return true;
  }
  return false;
}
