import { sql } from 'kysely';
import type { Db } from './tables.ts';

/** Rows and content, in the terms of matrix-media-repo: *affected* counts rows; bytes count once for each hash. */
export interface StorageEstimate {
  readonly thumbnails_affected: number;
  readonly thumbnail_hashes_affected: number;
  readonly thumbnail_bytes: number;
  readonly media_affected: number;
  readonly media_hashes_affected: number;
  readonly media_bytes: number;
  readonly total_hashes_affected: number;
  readonly total_bytes: number;
}

interface Sums {
  readonly affected: number;
  readonly hashes: number;
  readonly bytes: number;
}

/** Of what a datastore holds that was last used before `beforeTs`; nobody knowing when counts as very long ago. */
export async function estimateStorage(db: Db, datastoreId: string, beforeTs: number): Promise<StorageEstimate> {
  const from = (table: string) => sql`
    select t.sha256_hash, t.size_bytes from ${sql.table(table)} t
    left join last_access a on a.sha256_hash = t.sha256_hash
    where t.datastore_id = ${datastoreId} and coalesce(a.last_access_ts, 0) < ${beforeTs}`;
  const sumsOf = async (rows: ReturnType<typeof from>): Promise<Sums> => {
    const { rows: found } = await sql<Sums>`
      select coalesce(sum(g.affected), 0) as affected, count(*) as hashes, coalesce(sum(g.bytes), 0) as bytes from (
        select count(*) as affected, max(r.size_bytes) as bytes from (${rows}) r group by r.sha256_hash
      ) g`.execute(db);
    return found[0] ?? { affected: 0, hashes: 0, bytes: 0 };
  };
  const media = from('media');
  const thumbnails = sql`${from('thumbnails')} union all ${from('vitrine_thumbnail_variants')}`;
  const ofMedia = await sumsOf(media);
  const ofThumbnails = await sumsOf(thumbnails);
  const total = await sumsOf(sql`${media} union all ${thumbnails}`);
  return {
    thumbnails_affected: ofThumbnails.affected,
    thumbnail_hashes_affected: ofThumbnails.hashes,
    thumbnail_bytes: ofThumbnails.bytes,
    media_affected: ofMedia.affected,
    media_hashes_affected: ofMedia.hashes,
    media_bytes: ofMedia.bytes,
    total_hashes_affected: total.hashes,
    total_bytes: total.bytes,
  };
}
