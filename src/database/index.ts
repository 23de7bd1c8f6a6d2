export {
  cancelTask,
  findTask,
  findTasks,
  finishTask,
  insertTask,
  insertTaskState,
  saveTaskProgress,
  type TaskRow,
} from './background-tasks.ts';
export { findBlurhash, saveBlurhash } from './blurhashes.ts';
export type { CompilableQuery, Database, DatabaseOptions } from './database.ts';
export type { PostgresReport } from './database-report.ts';
export { ConditionFailed, DatabaseRefused, UniqueViolation } from './errors.ts';
export { deleteHeldIds, deleteLongExpiredReservations, deletePreviews } from './expired-leftovers.ts';
export {
  deleteMediaRows,
  deleteUnusedLastAccess,
  findExpiredRemoteMedia,
  mediaMayGo,
} from './expired-media.ts';
export {
  deleteThumbnail,
  findExpiredThumbnails,
  findMadeThumbnails,
  isThumbnailObject,
  type MadeThumbnail,
  THUMBNAIL_TABLES,
  type ThumbnailTable,
} from './expired-thumbnails.ts';
export { measureDatastores } from './fill-levels.ts';
export { inspectDatabase } from './inspect-database.ts';
export { touchLastAccess, touchManyLastAccesses } from './last-access.ts';
export {
  addLease,
  findInterval,
  findLease,
  releaseLease,
  replaceLease,
  startInterval,
} from './leases.ts';
export {
  findKnownContent,
  findMedia,
  findMediaAndRestriction,
  findMediaByHash,
  insertMedia,
} from './media.ts';
export {
  countMediaAt,
  deleteMediaAt,
  findMediaAt,
  hasMediaAt,
  isFetchable,
  isHidden,
  isNot,
  isQuarantined,
  type MediaCondition,
} from './media-at.ts';
export { type DescribedObject, findMovableObjects, MOVABLE_TABLES, type MovableObject } from './movable-objects.ts';
export { contentIsNew, contentIsOurs, objectIsReferenced } from './object-conditions.ts';
export {
  countObjectRows,
  deleteThumbnailsAt,
  findDescribedObjects,
  findOtherPlaces,
} from './object-rows.ts';
export {
  distinctDatastoreIds,
  findObjectIn,
  findObjectWithHash,
  findReferenced,
  isReferenced,
  type KnownObject,
  moveObject,
  type ObjectPlace,
  REFERRING_TABLES,
} from './objects.ts';
export { openDatabase } from './open-database.ts';
export { createProcessTable, type NewProcess, type ProcessTable, type SeenProcess } from './processes.ts';
export {
  deleteExpiredReservations,
  deleteReservation,
  findOpenReservations,
  findReservation,
  insertReservation,
} from './reservations.ts';
export { requiresAuthentication, restrictToAuthenticated } from './restricted-media.ts';
export { estimateStorage, type StorageEstimate } from './storage-estimate.ts';
export type { Db, MediaRow, ThumbnailRow, UrlPreviewRow } from './tables.ts';
export {
  findThumbnailVariant,
  findThumbnailVariantOfContent,
  saveThumbnailVariant,
} from './thumbnail-variants.ts';
export { findThumbnail, findThumbnailOfContent, findThumbnailsOf, saveThumbnail } from './thumbnails.ts';
export { findUrlPreview, insertUrlPreview, type UrlPreviewKey } from './url-previews.ts';
export { findUserUsage, type UserUsage } from './user-usage.ts';
