import {
  ConditionFailed,
  deleteMediaRows,
  deleteUnusedLastAccess,
  findMadeThumbnails,
  hasMediaAt,
  isHidden,
  isNot,
  isThumbnailObject,
  type MadeThumbnail,
  type MediaRow,
  mediaMayGo,
} from '../database/index.ts';
import { deleteRowsAt } from './delete-rows-at.ts';
import { deleteUnreferenced, lockContent } from './stored-content.ts';
import type { UpkeepParts } from './upkeep-parts.ts';

type OwnedParts = UpkeepParts & { readonly ourOrigins: () => readonly string[] };

/**
 * Deletes a media with its thumbnails, and each object that nothing else points at, if it is still as it was found and
 * neither quarantined nor pinned, which is decided by the transaction that deletes it. Rows go first. Once the rows are gone it is
 * not given up in the middle.
 * @returns whether it was deleted
 */
export async function deleteMedia(parts: OwnedParts, found: MediaRow, signal: AbortSignal): Promise<boolean> {
  const { db } = parts.database;
  const { origin, media_id, sha256_hash } = found;
  let thumbnails: readonly MadeThumbnail[] = [];
  {
    await using _lock = await lockContent(parts.locks, sha256_hash, signal);
    thumbnails = await findMadeThumbnails(db, origin, media_id);
    const rows = deleteMediaRows(db, origin, media_id);
    try {
      const condition = mediaMayGo(parts.database, found);
      await parts.database.atomically([...rows, deleteUnusedLastAccess(db, sha256_hash)], [condition]);
    } catch (error) {
      if (error instanceof ConditionFailed) return false;
      throw error;
    }
    parts.forgetRecord({ origin, mediaId: media_id });
    await deleteUnreferenced(parts, found, AbortSignal.timeout(DELETION_MS));
  }
  for (const thumbnail of thumbnails) await deleteThumbnailObject(parts, thumbnail, AbortSignal.timeout(DELETION_MS));
  return true;
}

const DELETION_MS = 60_000;

/** What a thumbnail whose row is gone leaves behind, if no other thumbnail and no media uses it. */
export async function deleteThumbnailObject(
  parts: OwnedParts,
  thumbnail: MadeThumbnail,
  signal: AbortSignal,
): Promise<void> {
  const { db } = parts.database;
  await using _lock = await lockContent(parts.locks, thumbnail.sha256_hash, signal);
  if (await isThumbnailObject(db, thumbnail)) return;
  const hidden = isHidden(parts.ourOrigins());
  if (await hasMediaAt(db, thumbnail, isNot(hidden))) return;
  await deleteRowsAt(parts, thumbnail, hidden);
  await parts.database.atomically([deleteUnusedLastAccess(db, thumbnail.sha256_hash)]);
  await deleteUnreferenced(parts, thumbnail, signal);
}
