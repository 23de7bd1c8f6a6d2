import {
  type Database,
  deleteHeldIds,
  deleteLongExpiredReservations,
  deletePreviews,
  deleteThumbnail,
  findExpiredRemoteMedia,
  findExpiredThumbnails,
  type MediaRow,
  THUMBNAIL_TABLES,
  type ThumbnailTable,
} from '../database/index.ts';
import type { RecurringJob } from '../tasks/index.ts';
import { deleteMedia, deleteThumbnailObject } from './delete-media.ts';
import type { UpkeepParts } from './upkeep-parts.ts';
import { findUsableDatastores } from './usable-datastores.ts';

export interface RetentionParts extends UpkeepParts {
  /** The domains that media of ours belongs to. */
  readonly ourOrigins: () => readonly string[];
  /** 0 or less: never. */
  readonly expireAfterDays: () => {
    readonly remoteMedia: number;
    readonly thumbnails: number;
    readonly previews: number;
  };
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const PAGE = 200;
/** As long as matrix-media-repo keeps them. */
const FORGET_IDS_AFTER_DAYS = 7;

/** What is tidied up by itself, each hour. The names are matrix-media-repo's. */
export function retentionJobs(parts: RetentionParts): readonly RecurringJob[] {
  const { expireAfterDays } = parts;
  const job = (
    name: string,
    days: () => number,
    work: (beforeTs: number, signal: AbortSignal) => Promise<number>,
  ): RecurringJob => ({
    name,
    everyMs: HOUR_MS,
    isWanted: () => days() > 0,
    async run(signal) {
      const removed = await work(parts.now() - days() * DAY_MS, signal);
      if (removed > 0) parts.log.info({ job: name, removed }, 'Removed what has expired');
    },
  });
  return [
    job(
      'recurring_purge_remote_media',
      () => expireAfterDays().remoteMedia,
      (ts, signal) => expireMedia(parts, ts, signal),
    ),
    job(
      'recurring_purge_thumbnails',
      () => expireAfterDays().thumbnails,
      (ts, signal) => expireThumbnails(parts, ts, signal),
    ),
    job(
      'recurring_purge_previews',
      () => expireAfterDays().previews,
      (ts, signal) => expirePreviews(parts.database.patient(signal), ts),
    ),
    job(
      'recurring_purge_held_media_ids',
      () => FORGET_IDS_AFTER_DAYS,
      (ts, signal) => forgetIds(parts.database.patient(signal), ts),
    ),
  ];
}

/** @returns how many media were removed */
export async function expireMedia(parts: RetentionParts, beforeTs: number, signal: AbortSignal): Promise<number> {
  const ourOrigins = parts.ourOrigins();
  const datastoreIds = await findUsableDatastores(parts, signal);
  const { db } = parts.database.patient(signal);
  let removed = 0;
  let after: MediaRow | undefined;
  for (;;) {
    const query = { beforeTs, ourOrigins, datastoreIds, after, limit: PAGE };
    const page: readonly MediaRow[] = await findExpiredRemoteMedia(db, query);
    for (const media of page) {
      signal.throwIfAborted();
      if (await orTold(parts, media, deleteMedia(parts, media, signal), signal)) removed += 1;
    }
    after = page.at(-1);
    if (after === undefined) return removed;
  }
}

/** @returns how many thumbnails were removed */
export async function expireThumbnails(parts: RetentionParts, beforeTs: number, signal: AbortSignal): Promise<number> {
  const datastoreIds = await findUsableDatastores(parts, signal);
  let removed = 0;
  for (const table of THUMBNAIL_TABLES) {
    for (let page = -1; page !== 0; removed += page) {
      page = await expirePage(parts, table, beforeTs, datastoreIds, signal);
    }
  }
  return removed;
}

/** What is removed is not found again, so each page is the first one. */
async function expirePage(
  parts: RetentionParts,
  table: ThumbnailTable,
  beforeTs: number,
  datastoreIds: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const { database } = parts;
  const page = await findExpiredThumbnails(database.patient(signal).db, table, beforeTs, datastoreIds, PAGE);
  for (const thumbnail of page) {
    signal.throwIfAborted();
    await database.atomically([deleteThumbnail(database.db, table, thumbnail)]);
    await orTold(parts, thumbnail, deleteThumbnailObject(parts, thumbnail, AbortSignal.timeout(60_000)), signal);
  }
  return page.length;
}

async function expirePreviews(database: Database, ts: number): Promise<number> {
  await database.atomically([deletePreviews(database.db, ts)]);
  return 0;
}

async function forgetIds(database: Database, ts: number): Promise<number> {
  await database.atomically([deleteHeldIds(database.db, ts), deleteLongExpiredReservations(database.db, ts)]);
  return 0;
}

/** One object that cannot be deleted does not keep the others. @returns `undefined` when it failed; the log says why */
async function orTold<T>(
  { log }: RetentionParts,
  { datastore_id, location }: Pick<MediaRow, 'datastore_id' | 'location'>,
  deleting: Promise<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  try {
    return await deleting;
  } catch (error) {
    signal.throwIfAborted();
    log.warn({ err: error, datastore: datastore_id, location }, 'What has expired cannot be deleted');
    return undefined;
  }
}
