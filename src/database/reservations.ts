import type { CompilableQuery } from './database.ts';
import type { Db, ReservationRow } from './tables.ts';

/** A media ID that waits for its upload, expired or not. */
export function findReservation(db: Db, origin: string, mediaId: string): Promise<ReservationRow | undefined> {
  return db
    .selectFrom('expiring_media')
    .selectAll()
    .where('media_id', '=', mediaId)
    .where('origin', '=', origin)
    .executeTakeFirst();
}

/** When the user's open reservations expire, soonest first. @param now those that expire earlier do not count */
export async function findOpenReservations(db: Db, userId: string, now: number, limit: number): Promise<number[]> {
  const rows = await db
    .selectFrom('expiring_media')
    .select('expires_ts')
    .where('user_id', '=', userId)
    .where('expires_ts', '>=', now)
    .orderBy('expires_ts')
    .limit(limit)
    .execute();
  return rows.map(({ expires_ts }) => expires_ts);
}

export function insertReservation(db: Db, row: ReservationRow): CompilableQuery {
  return db.insertInto('expiring_media').values(row);
}

export function deleteReservation(db: Db, origin: string, mediaId: string): CompilableQuery {
  return db.deleteFrom('expiring_media').where('media_id', '=', mediaId).where('origin', '=', origin);
}

/** Of one user, those that expired before `ts`. */
export function deleteExpiredReservations(db: Db, userId: string, ts: number): CompilableQuery {
  return db.deleteFrom('expiring_media').where('user_id', '=', userId).where('expires_ts', '<', ts);
}
