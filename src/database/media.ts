import { sql } from 'kysely';
import type { CompilableQuery } from './database.ts';
import { type KnownObject, objectIn } from './objects.ts';
import { requiresAuthenticationCondition } from './restricted-media.ts';
import type { Db, MediaRow, NewMediaRow } from './tables.ts';

export function findMedia(db: Db, origin: string, mediaId: string): Promise<MediaRow | undefined> {
  return db
    .selectFrom('media')
    .selectAll()
    .where('media_id', '=', mediaId)
    .where('origin', '=', origin)
    .executeTakeFirst();
}

/** Both facts that a download wants, in one round trip. A restriction may also stand where there is no media row. */
export async function findMediaAndRestriction(
  db: Db,
  origin: string,
  mediaId: string,
): Promise<{ readonly media: MediaRow; readonly requiresAuthentication: boolean } | undefined> {
  const found = await db
    .selectFrom('media')
    .leftJoin('restricted_media', (join) =>
      join
        .onRef('restricted_media.origin', '=', 'media.origin')
        .onRef('restricted_media.media_id', '=', 'media.media_id')
        .on((where) => where.and(requiresAuthenticationCondition)),
    )
    .selectAll('media')
    .select('restricted_media.condition_value')
    .where('media.media_id', '=', mediaId)
    .where('media.origin', '=', origin)
    .executeTakeFirst();
  if (found === undefined) return undefined;
  const { condition_value, ...media } = found;
  return { media, requiresAuthentication: condition_value !== null };
}

/** Rows that share this content, oldest first. */
export function findMediaByHash(db: Db, sha256: string, limit: number): Promise<MediaRow[]> {
  return db
    .selectFrom('media')
    .selectAll()
    .where('sha256_hash', '=', sha256)
    .orderBy('creation_ts')
    .limit(limit)
    .execute();
}

type UploadOfUser = Pick<MediaRow, 'sha256_hash' | 'user_id' | 'upload_name' | 'content_type' | 'origin'>;

/** What is known of content that somebody wants to upload. */
export interface KnownContent {
  /** Any media with it is quarantined; then none may be added. */
  readonly isQuarantined: boolean;
  /** Of the same user's earlier upload of it under the same name and type: its mxc URI can be given again. */
  readonly earlierMediaId: string | undefined;
  /** One that holds it, whatever it was stored for. */
  readonly object: KnownObject | undefined;
}

/** All that an upload wants to know of its content, in one round trip. */
export async function findKnownContent(db: Db, upload: UploadOfUser): Promise<KnownContent> {
  const sha256 = upload.sha256_hash;
  const found = await db
    .selectFrom(sql<{ one: number }>`(select 1 as one)`.as('nothing'))
    .leftJoin(objectIn(db, 'media', sha256).as('of_media'), (join) => join.onTrue())
    .leftJoin(objectIn(db, 'thumbnails', sha256).as('of_thumbnail'), (join) => join.onTrue())
    .leftJoin(objectIn(db, 'vitrine_thumbnail_variants', sha256).as('of_variant'), (join) => join.onTrue())
    .select((select) => [
      select
        .selectFrom('media')
        .select('media_id')
        .where('sha256_hash', '=', sha256)
        .where('quarantined', '=', sql.lit(true)) // as the index `vitrine_quarantined_media` has it
        .limit(1)
        .as('quarantinedId'),
      select
        .selectFrom('media')
        .select('media_id')
        .where((where) => where.and(pickUpload(upload)))
        .orderBy('creation_ts')
        .limit(1)
        .as('earlierId'),
    ])
    .select(({ fn }) => [
      fn.coalesce('of_media.datastore_id', 'of_thumbnail.datastore_id', 'of_variant.datastore_id').as('datastore_id'),
      fn.coalesce('of_media.location', 'of_thumbnail.location', 'of_variant.location').as('location'),
      fn.coalesce('of_media.size_bytes', 'of_thumbnail.size_bytes', 'of_variant.size_bytes').as('size_bytes'),
    ])
    .executeTakeFirstOrThrow();
  const { quarantinedId, earlierId, datastore_id, location, size_bytes } = found;
  const isThere = datastore_id !== null && location !== null && size_bytes !== null;
  return {
    isQuarantined: quarantinedId !== null,
    earlierMediaId: earlierId ?? undefined,
    object: isThere ? { datastore_id, location, size_bytes } : undefined,
  };
}

function pickUpload({ sha256_hash, user_id, upload_name, content_type, origin }: UploadOfUser): UploadOfUser {
  return { sha256_hash, user_id, upload_name, content_type, origin };
}

/** Refused with a UniqueViolation when the mxc URI is taken. */
export function insertMedia(db: Db, row: NewMediaRow): CompilableQuery {
  return db.insertInto('media').values(row);
}
