import type { CompilableQuery } from './database.ts';
import type { Db, NewThumbnailRow, ThumbnailRow } from './tables.ts';

type ThumbnailKey = Pick<ThumbnailRow, 'origin' | 'media_id' | 'width' | 'height' | 'method' | 'animated'>;

export function findThumbnail(db: Db, key: ThumbnailKey): Promise<ThumbnailRow | undefined> {
  const { origin, media_id, width, height, method, animated } = key;
  return db
    .selectFrom('thumbnails')
    .selectAll()
    .where((where) => where.and({ media_id, origin, width, height, method, animated }))
    .executeTakeFirst();
}

/** All that are stored of a media, the smallest first. */
export function findThumbnailsOf(db: Db, origin: string, mediaId: string): Promise<ThumbnailRow[]> {
  return db
    .selectFrom('thumbnails')
    .selectAll()
    .where('media_id', '=', mediaId)
    .where('origin', '=', origin)
    .orderBy('width')
    .orderBy('height')
    .execute();
}

/** A thumbnail of this size that was made of the same bytes, under whatever mxc URI. */
export function findThumbnailOfContent(
  db: Db,
  sha256: string,
  key: Omit<ThumbnailKey, 'origin' | 'media_id'>,
): Promise<ThumbnailRow | undefined> {
  return db
    .selectFrom('media')
    .innerJoin('thumbnails', (join) =>
      join
        .onRef('thumbnails.media_id', '=', 'media.media_id')
        .onRef('thumbnails.origin', '=', 'media.origin')
        .on('thumbnails.width', '=', key.width)
        .on('thumbnails.height', '=', key.height)
        .on('thumbnails.method', '=', key.method)
        .on('thumbnails.animated', '=', key.animated),
    )
    .selectAll('thumbnails')
    .where('media.sha256_hash', '=', sha256)
    .limit(1)
    .executeTakeFirst();
}

/** One that is there already is replaced: its object may have been lost, and this one is new. */
export function saveThumbnail(db: Db, row: NewThumbnailRow): CompilableQuery {
  const { content_type, size_bytes, location, creation_ts, sha256_hash, datastore_id } = row;
  return db
    .insertInto('thumbnails')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .columns(['media_id', 'origin', 'width', 'height', 'method', 'animated'])
        .doUpdateSet({ content_type, size_bytes, location, creation_ts, sha256_hash, datastore_id }),
    );
}
