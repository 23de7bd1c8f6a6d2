export { findBlurhash, saveBlurhash } from './blurhashes.ts';
export type { CompilableQuery, Database, DatabaseOptions } from './database.ts';
export { DatabaseRefused, UniqueViolation } from './errors.ts';
export { touchLastAccess, touchManyLastAccesses } from './last-access.ts';
export {
  findKnownContent,
  findMedia,
  findMediaAndRestriction,
  findMediaByHash,
  insertMedia,
} from './media.ts';
export { distinctDatastoreIds, findObjectWithHash, type KnownObject, moveObject } from './objects.ts';
export { openDatabase } from './open-database.ts';
export {
  deleteExpiredReservations,
  deleteReservation,
  findOpenReservations,
  findReservation,
  insertReservation,
} from './reservations.ts';
export { requiresAuthentication, restrictToAuthenticated } from './restricted-media.ts';
export type { Db, MediaRow, ThumbnailRow, UrlPreviewRow } from './tables.ts';
export {
  findThumbnailVariant,
  findThumbnailVariantOfContent,
  saveThumbnailVariant,
} from './thumbnail-variants.ts';
export { findThumbnail, findThumbnailOfContent, findThumbnailsOf, saveThumbnail } from './thumbnails.ts';
export { findUrlPreview, insertUrlPreview, type UrlPreviewKey } from './url-previews.ts';
export { findUserUsage, type UserUsage } from './user-usage.ts';
