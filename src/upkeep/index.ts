export {
  EVERYTHING_BEFORE_TS,
  STORAGE_MIGRATION,
  type StorageMigrationParams,
  storageMigration,
} from './storage-migration.ts';
export type { UpkeepParts } from './upkeep-parts.ts';
