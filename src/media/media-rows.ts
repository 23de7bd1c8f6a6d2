import type { Config } from '../config/index.ts';
import {
  type CompilableQuery,
  insertMedia,
  type MediaRow,
  restrictToAuthenticated,
  touchLastAccess,
} from '../database/index.ts';
import type { MediaParts } from './media-parts.ts';

/** All that is written of new media, at once; frozen where new media is (FZ-8). */
export function insertNewMedia(
  { database: { db }, now }: Pick<MediaParts, 'database' | 'now'>,
  { repo }: Config,
  media: Omit<MediaRow, 'creation_ts' | 'quarantined'>,
): CompilableQuery[] {
  const creation_ts = now();
  const freeze = repo.freezeUnauthenticatedMedia ? [restrictToAuthenticated(db, media.origin, media.media_id)] : [];
  return [
    insertMedia(db, { ...media, creation_ts, quarantined: false }),
    ...freeze,
    touchLastAccess(db, media.sha256_hash, creation_ts),
  ];
}
