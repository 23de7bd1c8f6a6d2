import type { CompilableQuery } from './database.ts';
import type { Db } from './tables.ts';

/** Of hours that began at `ts` or before. */
export function deletePreviews(db: Db, ts: number): CompilableQuery {
  return db.deleteFrom('url_previews').where('bucket_ts', '<=', ts);
}

/** Media IDs that matrix-media-repo has kept free for uploads that were to come until `ts`. */
export function deleteHeldIds(db: Db, ts: number): CompilableQuery {
  return db.deleteFrom('media_id_hold').where('reason', '=', 'media_create').where('held_ts', '<=', ts);
}

/** Of all users, those that expired before `ts`. */
export function deleteLongExpiredReservations(db: Db, ts: number): CompilableQuery {
  return db.deleteFrom('expiring_media').where('expires_ts', '<', ts);
}
