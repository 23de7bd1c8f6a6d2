import {
  type CompilableQuery,
  type Db,
  findThumbnail,
  findThumbnailOfContent,
  findThumbnailVariant,
  findThumbnailVariantOfContent,
  type MediaRow,
  saveThumbnail,
  saveThumbnailVariant,
  type ThumbnailRow,
} from '../database/index.ts';
import type { Method } from './choose-size.ts';
import type { StillType } from './job.ts';

/** What one thumbnail of a media is known by, beside the media. */
export type Shape = Pick<ThumbnailRow, 'width' | 'height' | 'animated'> & {
  readonly method: Method;
  /** The type that it was asked for in; such a one stands still, and lies in a table that matrix-media-repo does not know. */
  readonly stillType: StillType | undefined;
};

/** Where a thumbnail of any shape is, and what. */
export type StoredThumbnail = Omit<ThumbnailRow, 'animated'>;

export function findRow(
  db: Db,
  { origin, media_id }: Pick<MediaRow, 'origin' | 'media_id'>,
  { stillType, ...shape }: Shape,
): Promise<StoredThumbnail | undefined> {
  if (stillType === undefined) return findThumbnail(db, { origin, media_id, ...shape });
  return findThumbnailVariant(db, { origin, media_id, ...shape, content_type: stillType });
}

/** One that was made of the same bytes, under whatever mxc URI. */
export function findRowOfContent(
  db: Db,
  sha256: string,
  { stillType, ...shape }: Shape,
): Promise<StoredThumbnail | undefined> {
  if (stillType === undefined) return findThumbnailOfContent(db, sha256, shape);
  return findThumbnailVariantOfContent(db, sha256, { ...shape, content_type: stillType });
}

/** @param stored its sizes are those of the shape */
export function saveRow(db: Db, stored: StoredThumbnail, { stillType, animated }: Shape): CompilableQuery {
  if (stillType === undefined) return saveThumbnail(db, { ...stored, animated });
  const { origin, media_id, width, height, method, content_type, ...rest } = stored;
  const { size_bytes, location, creation_ts, sha256_hash, datastore_id } = rest;
  return saveThumbnailVariant(db, {
    ...{ origin, media_id, width, height, method, content_type },
    ...{ size_bytes, location, creation_ts, sha256_hash, datastore_id },
  });
}
