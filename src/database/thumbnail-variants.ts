import type { CompilableQuery } from './database.ts';
import type { Db, ThumbnailVariantRow } from './tables.ts';

type VariantKey = Pick<ThumbnailVariantRow, 'origin' | 'media_id' | 'width' | 'height' | 'method' | 'content_type'>;

export function findThumbnailVariant(db: Db, key: VariantKey): Promise<ThumbnailVariantRow | undefined> {
  const { origin, media_id, width, height, method, content_type } = key;
  return db
    .selectFrom('vitrine_thumbnail_variants')
    .selectAll()
    .where((where) => where.and({ origin, media_id, width, height, method, content_type }))
    .executeTakeFirst();
}

/** One of this size and type that was made of the same bytes, under whatever mxc URI. */
export function findThumbnailVariantOfContent(
  db: Db,
  sha256: string,
  key: Omit<VariantKey, 'origin' | 'media_id'>,
): Promise<ThumbnailVariantRow | undefined> {
  return db
    .selectFrom('media')
    .innerJoin('vitrine_thumbnail_variants as variants', (join) =>
      join
        .onRef('variants.media_id', '=', 'media.media_id')
        .onRef('variants.origin', '=', 'media.origin')
        .on('variants.width', '=', key.width)
        .on('variants.height', '=', key.height)
        .on('variants.method', '=', key.method)
        .on('variants.content_type', '=', key.content_type),
    )
    .selectAll('variants')
    .where('media.sha256_hash', '=', sha256)
    .limit(1)
    .executeTakeFirst();
}

/** One that is there already is replaced: its object may have been lost, and this one is new. */
export function saveThumbnailVariant(db: Db, row: ThumbnailVariantRow): CompilableQuery {
  const { size_bytes, location, creation_ts, sha256_hash, datastore_id } = row;
  return db
    .insertInto('vitrine_thumbnail_variants')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .columns(['origin', 'media_id', 'width', 'height', 'method', 'content_type'])
        .doUpdateSet({ size_bytes, location, creation_ts, sha256_hash, datastore_id }),
    );
}
