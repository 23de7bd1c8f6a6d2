import type { DomainConfig } from '../config/index.ts';
import {
  deleteExpiredReservations,
  findMedia,
  findOpenReservations,
  findReservation,
  insertReservation,
} from '../database/index.ts';
import {
  CannotOverwrite,
  Forbidden,
  LimitExceeded,
  type MxcUri,
  NotFound,
  parseMediaId,
  type ServerName,
} from '../matrix/index.ts';
import type { MediaParts } from './media-parts.ts';
import { quotaOf, refuseOverQuota } from './quota.ts';

/** A media ID whose content may come later. */
export interface Reservation {
  readonly uri: MxcUri;
  /** The last millisecond since 1970 at which its upload may begin. */
  readonly expiresTs: number;
}

/**
 * Makes a media ID for an asynchronous upload of this user. Specification: CR-1 to CR-4.
 * @throws {LimitExceeded} when the user has too many of them open
 * @throws {QuotaExceeded} when the user could not upload anything
 */
export async function reserve(
  parts: MediaParts,
  domain: DomainConfig,
  origin: ServerName,
  userId: string,
  signal: AbortSignal,
): Promise<Reservation> {
  const { db } = parts.database;
  const quota = quotaOf(domain.uploads, userId);
  await refuseOverQuota(parts, quota, userId, 1);
  await using _lock = await parts.locks.acquire(`reservations-${userId}`, signal);
  const now = parts.now();
  if (quota.maxPending !== Number.POSITIVE_INFINITY) {
    const open = await findOpenReservations(db, userId, now, quota.maxPending);
    const [soonest] = open;
    if (soonest !== undefined && open.length >= quota.maxPending) {
      throw new LimitExceeded(`You have ${open.length} uploads open; finish one first`, soonest - now + 1);
    }
  }
  const uri = { origin, mediaId: parseMediaId(parts.newUniqueId()) };
  const expiresTs = now + domain.uploads.maxAgeSeconds * 1000;
  const row = { origin, media_id: uri.mediaId, user_id: userId, expires_ts: expiresTs };
  await parts.database.atomically([deleteExpiredReservations(db, userId, now), insertReservation(db, row)]);
  return { uri, expiresTs };
}

/**
 * Whether this user may upload to this ID now. Specification: CR-6 to CR-9.
 * @throws {NotFound} {@link Forbidden} for another user's, {@link CannotOverwrite} when it has content
 */
export async function refuseUnfillable(parts: MediaParts, uri: MxcUri, userId: string): Promise<void> {
  const { db } = parts.database;
  // In this order: an upload that ends takes the reservation away and puts the media there at the same moment.
  const reservation = await findReservation(db, uri.origin, uri.mediaId);
  const media = await findMedia(db, uri.origin, uri.mediaId);
  const owner = media?.user_id ?? reservation?.user_id;
  if (owner === undefined) throw new NotFound('This media ID was never created, or has expired');
  if (owner !== userId) throw new Forbidden('This media ID was created for somebody else');
  if (media !== undefined) throw new CannotOverwrite();
  if (reservation === undefined || reservation.expires_ts < parts.now()) {
    throw new NotFound('This media ID has expired');
  }
}
