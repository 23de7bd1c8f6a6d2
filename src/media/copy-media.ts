import type { Config, DomainConfig } from '../config/index.ts';
import { ConditionFailed, findKnownContent, type MediaRow, objectIsReferenced } from '../database/index.ts';
import { BadRequest, type MxcUri, NotFound, parseMediaId, type ServerName } from '../matrix/index.ts';
import type { MediaParts } from './media-parts.ts';
import { insertNewMedia } from './media-rows.ts';
import { type MediaAsker, openMedia } from './open-media.ts';
import { isLimited, quotaOf, refuseOverQuota } from './quota.ts';

/** What is to become a user's own. */
export interface Copy {
  readonly source: MxcUri;
  /** The domain that the copy will belong to. */
  readonly origin: ServerName;
  /** Who keeps it from then on. */
  readonly userId: string;
  readonly asker: MediaAsker;
}

/**
 * Gives a user a URI of their own domain for media of another one. No bytes are copied: both records point at the same
 * object. The same copy again is the same URI.
 * @throws {BadRequest} for media of that domain itself
 * @throws {QuotaExceeded} and what `openMedia` throws
 */
export async function copyMedia(
  parts: MediaParts,
  config: Config,
  domain: DomainConfig,
  { source, origin, userId, asker }: Copy,
  signal: AbortSignal,
): Promise<MxcUri> {
  if (source.origin === origin) throw new BadRequest('The media belongs to this server already');
  await using opened = await openMedia(parts, source, asker, signal); // nobody gets a copy of what is lost
  const { db } = parts.database;
  const quota = quotaOf(domain.uploads, userId);
  await using _turn = isLimited(quota) ? await parts.locks.acquire(`quota-${userId}`, signal) : undefined;
  await using _lock = await parts.locks.acquire(`mutex-${opened.record.sha256_hash}`, signal);
  const upload = { ...pickContent(opened.record), origin, user_id: userId };
  const { isQuarantined, earlierMediaId, object } = await findKnownContent(db, upload);
  // What was opened may have moved or expired until the lock was ours.
  if (isQuarantined || object === undefined) throw new NotFound();
  if (earlierMediaId !== undefined) return { origin, mediaId: parseMediaId(earlierMediaId) };
  await refuseOverQuota(parts, quota, userId, upload.size_bytes);
  const mediaId = parseMediaId(parts.newUniqueId());
  const rows = insertNewMedia(parts, config, { ...upload, ...object, media_id: mediaId });
  try {
    await parts.database.atomically(rows, [objectIsReferenced(parts.database, object)]);
  } catch (error) {
    if (error instanceof ConditionFailed) throw new NotFound(undefined, { cause: error }); // another process took it away
    throw error;
  }
  return { origin, mediaId };
}

function pickContent({ upload_name, content_type, sha256_hash, size_bytes }: MediaRow) {
  return { upload_name, content_type, sha256_hash, size_bytes };
}
