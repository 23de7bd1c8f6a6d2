import { type ExpressionBuilder, sql } from 'kysely';
import type { CompilableQuery, Database } from './database.ts';
import { TABLES } from './objects.ts';
import type { Db, MediaRow, Tables } from './tables.ts';

/** A condition on rows of `media`. */
export function isNotPinned({ not, exists, selectFrom }: ExpressionBuilder<Tables, 'media'>) {
  return not(
    exists(
      selectFrom('media_attributes')
        .select('media_attributes.purpose')
        .whereRef('media_attributes.media_id', '=', 'media.media_id')
        .whereRef('media_attributes.origin', '=', 'media.origin')
        .where('media_attributes.purpose', '=', 'pinned'),
    ),
  );
}

export interface ExpiredMediaQuery {
  /** Fetched before; milliseconds since 1970. */
  readonly beforeTs: number;
  /** Media of these is not remote. */
  readonly ourOrigins: readonly string[];
  /** Only what lies in these. */
  readonly datastoreIds: readonly string[];
  /** The row that the last page ended with. */
  readonly after: Pick<MediaRow, 'creation_ts' | 'origin' | 'media_id'> | undefined;
  readonly limit: number;
}

/**
 * Remote media that may go: fetched long ago, neither quarantined nor pinned, and of content that no media of ours has
 * and that was not fetched again since. The oldest first.
 */
export function findExpiredRemoteMedia(
  db: Db,
  { beforeTs, ourOrigins, datastoreIds, after, limit }: ExpiredMediaQuery,
): Promise<MediaRow[]> {
  if (ourOrigins.length === 0 || datastoreIds.length === 0) return Promise.resolve([]);
  return db
    .selectFrom('media')
    .selectAll()
    .where('user_id', '=', sql.lit('')) // as the index `vitrine_fetched_media` has it, which is what this reads along
    .where('creation_ts', '<', beforeTs)
    .where('quarantined', '=', false)
    .where('origin', 'not in', ourOrigins)
    .where('datastore_id', 'in', datastoreIds)
    .where(
      sql<boolean>`(creation_ts, media_id, origin) > (${after?.creation_ts ?? -1}, ${after?.media_id ?? ''}, ${after?.origin ?? ''})`,
    )
    .where(isNotPinned)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('media as same')
            .select('same.media_id')
            .whereRef('same.sha256_hash', '=', 'media.sha256_hash')
            .where(({ or, eb }) => or([eb('same.creation_ts', '>=', beforeTs), eb('same.origin', 'in', ourOrigins)])),
        ),
      ),
    )
    .orderBy('creation_ts')
    .orderBy('media_id')
    .orderBy('origin')
    .limit(limit)
    .execute();
}

/**
 * The row is the one that was found, in the same place, and neither quarantined nor pinned by now. Whoever marks it waits until
 * the end of the transaction.
 */
export function mediaMayGo({ db, engine }: Pick<Database, 'db' | 'engine'>, found: MediaRow): CompilableQuery {
  const { origin, media_id, creation_ts, datastore_id, location } = found;
  const query = db
    .selectFrom('media')
    .select('media_id')
    .where((where) => where.and({ origin, media_id, creation_ts, datastore_id, location, quarantined: false }))
    .where(isNotPinned);
  return engine === 'postgres' ? query.forUpdate() : query;
}

/** All that is written of a media and of what was made of it. Whether it may be seen stays written (`restricted_media`). */
export function deleteMediaRows(db: Db, origin: string, mediaId: string): CompilableQuery[] {
  const tables = ['media', 'thumbnails', 'vitrine_thumbnail_variants', 'vitrine_blurhashes'] as const;
  return tables.map((table) => db.deleteFrom(table).where('media_id', '=', mediaId).where('origin', '=', origin));
}

/** When content was last used, if nothing has it any more. */
export function deleteUnusedLastAccess(db: Db, sha256: string): CompilableQuery {
  let query = db.deleteFrom('last_access').where('sha256_hash', '=', sha256);
  for (const table of TABLES) {
    query = query.where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom(table).select(`${table}.location`).where(`${table}.sha256_hash`, '=', sha256))),
    );
  }
  return query;
}
