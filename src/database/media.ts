import type { CompilableQuery } from './database.ts';
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

/** The same user's earlier upload of the same content under the same name and type: its mxc URI can be given again. */
export function findUploadOfUser(db: Db, upload: UploadOfUser): Promise<MediaRow | undefined> {
  return db
    .selectFrom('media')
    .selectAll()
    .where((where) => where.and(pickUpload(upload)))
    .orderBy('creation_ts')
    .limit(1)
    .executeTakeFirst();
}

function pickUpload({ sha256_hash, user_id, upload_name, content_type, origin }: UploadOfUser): UploadOfUser {
  return { sha256_hash, user_id, upload_name, content_type, origin };
}

/** Whether any media with this content is quarantined; then none may be added. */
export async function isHashQuarantined(db: Db, sha256: string): Promise<boolean> {
  const found = await db
    .selectFrom('media')
    .select('media_id')
    .where('sha256_hash', '=', sha256)
    .where('quarantined', '=', true)
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}

/** Refused with a UniqueViolation when the mxc URI is taken. */
export function insertMedia(db: Db, row: NewMediaRow): CompilableQuery {
  return db.insertInto('media').values(row);
}
