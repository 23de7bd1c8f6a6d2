export { BEGINNING, type CheckState, checkStorage } from './check/check.ts';
export type { CheckOptions, CheckTotals } from './check/check-parts.ts';
export type { BrokenObject, ToldFinding } from './check/finding.ts';
export { expireMedia, expireThumbnails, type RetentionParts, retentionJobs } from './retention.ts';
export {
  EVERYTHING_BEFORE_TS,
  STORAGE_MIGRATION,
  type StorageMigrationParams,
  storageMigration,
} from './storage-migration.ts';
export type { UpkeepParts } from './upkeep-parts.ts';
