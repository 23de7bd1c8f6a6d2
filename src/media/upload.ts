import type { Config, DomainConfig } from '../config/index.ts';
import { deleteReservation, findKnownContent, type ObjectPlace, UniqueViolation } from '../database/index.ts';
import {
  CannotOverwrite,
  Forbidden,
  formatMxcUri,
  type MediaId,
  type MxcUri,
  parseMediaId,
  type ServerName,
  TooSmall,
} from '../matrix/index.ts';
import type { MediaParts } from './media-parts.ts';
import { insertNewMedia } from './media-rows.ts';
import { isLimited, quotaOf, refuseBytes, refuseOverQuota } from './quota.ts';
import { type ReceivedBytes, receiveBytes, tooLarge } from './received-bytes.ts';
import { refuseUnfillable } from './reservation.ts';
import { storeObject } from './stored-object.ts';

/** What a client sends. */
export interface Upload {
  /** The domain that the media will belong to. */
  readonly origin: ServerName;
  readonly userId: string;
  /** As the client named it; empty for none. */
  readonly uploadName: string;
  readonly contentType: string;
  /** Of `Content-Length`; `undefined` for a body whose length is not known before it ends. */
  readonly declaredBytes: number | undefined;
  /** Called once, when the body is wanted: a refusal before that costs the client nothing. */
  readonly startBody: () => AsyncIterable<Uint8Array>;
  /** Looks at what has come, before any of it is kept; to refuse it, it throws. */
  readonly inspect?: (received: ReceivedBytes) => Promise<void>;
}

/**
 * Keeps the bytes and answers their URI: a new one, or the one that the same user got for the same content under the
 * same name and type. When it resolves, bytes and row survive a crash. Specification: U-1 to U-13.
 * @throws {TooLarge} {@link TooSmall} {@link Forbidden} {@link QuotaExceeded} {@link StorageFull} {@link Unavailable}
 */
export async function upload(
  parts: MediaParts,
  config: Config,
  domain: DomainConfig,
  asked: Upload,
  signal: AbortSignal,
): Promise<MxcUri> {
  const mediaId = await keep(parts, config, domain, asked, undefined, signal);
  return { origin: asked.origin, mediaId };
}

/**
 * Keeps the bytes under an ID that was created for them, and wakes those who wait for it. Of several uploads to one ID
 * one wins; while it is under way the others are refused. Specification: CR-5 to CR-11.
 * @throws as `upload`, and what `refuseUnfillable` throws
 */
export async function fill(
  parts: MediaParts,
  config: Config,
  domain: DomainConfig,
  mediaId: MediaId,
  asked: Upload,
  signal: AbortSignal,
): Promise<void> {
  const uri = { origin: asked.origin, mediaId };
  await refuseUnfillable(parts, uri, asked.userId);
  await using claim = await parts.locks.tryAcquire(`upload-${formatMxcUri(uri)}`);
  if (claim === undefined) throw new CannotOverwrite();
  await refuseUnfillable(parts, uri, asked.userId); // somebody may have been done in between
  try {
    await keep(parts, config, domain, asked, mediaId, signal);
  } catch (error) {
    if (error instanceof UniqueViolation) throw new CannotOverwrite({ cause: error }); // another process was faster
    throw error;
  }
  parts.bus.publish('upload_mxc', formatMxcUri(uri));
}

/** @param reserved the ID that the media has to get; `undefined`: a new one, or that of an equal earlier upload */
async function keep(
  parts: MediaParts,
  config: Config,
  domain: DomainConfig,
  asked: Upload,
  reserved: MediaId | undefined,
  signal: AbortSignal,
): Promise<MediaId> {
  const { db } = parts.database;
  const maxBytes = domain.uploads.maxBytes > 0 ? domain.uploads.maxBytes : Number.POSITIVE_INFINITY;
  if ((asked.declaredBytes ?? 0) > maxBytes) throw tooLarge(maxBytes);
  refuseTooSmall(asked.declaredBytes, domain.uploads.minBytes);
  const quota = quotaOf(domain.uploads, asked.userId);
  // A file that the user has already is taken again, over the quota or not; that shows when the body is there.
  if (reserved === undefined) refuseBytes(quota, asked.declaredBytes ?? 0);
  else await refuseOverQuota(parts, quota, asked.userId, asked.declaredBytes ?? 0);
  const datastore = parts.datastores.choose('local_media', domain.datastores);

  const body = asked.startBody();
  const received = await receiveBytes(body, datastore, asked.contentType, parts.receiveBuffers, maxBytes, signal);
  await using _temporary = received.temporary;
  refuseTooSmall(received.sizeBytes, domain.uploads.minBytes);
  await asked.inspect?.(received);

  await using _turn = isLimited(quota) ? await parts.locks.acquire(`quota-${asked.userId}`, signal) : undefined;
  await using _lock = await parts.locks.acquire(`mutex-${received.sha256}`, signal);
  const content = await findKnownContent(db, asUploadOfUser(asked, received));
  if (content.isQuarantined) {
    throw new Forbidden('This content has been blocked by the administrators of this server');
  }
  const earlier = reserved === undefined ? content.earlierMediaId : undefined;
  if (earlier === undefined) await refuseOverQuota(parts, quota, asked.userId, received.sizeBytes);
  const mediaId = parseMediaId(reserved ?? earlier ?? parts.newUniqueId());
  const media = { ...asUploadOfUser(asked, received), media_id: mediaId, size_bytes: received.sizeBytes };
  const rowsAt = ({ datastore_id, location }: ObjectPlace) => [
    ...(earlier === undefined ? insertNewMedia(parts, config, { ...media, datastore_id, location }) : []),
    ...(reserved === undefined ? [] : [deleteReservation(db, asked.origin, reserved)]),
  ];
  await storeObject(parts, datastore.id, received, content.object, rowsAt, signal);
  return mediaId;
}

function asUploadOfUser({ userId, uploadName, contentType, origin }: Upload, { sha256 }: ReceivedBytes) {
  return { sha256_hash: sha256, user_id: userId, upload_name: uploadName, content_type: contentType, origin };
}

function refuseTooSmall(sizeBytes: number | undefined, minBytes: number): void {
  if (sizeBytes !== undefined && sizeBytes < minBytes) {
    throw new TooSmall(`The file is smaller than the ${minBytes} bytes that this server asks for`);
  }
}
