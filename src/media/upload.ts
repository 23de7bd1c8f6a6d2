import type { Config, DomainConfig } from '../config/index.ts';
import {
  type CompilableQuery,
  findUploadOfUser,
  insertMedia,
  isHashQuarantined,
  restrictToAuthenticated,
  touchLastAccess,
} from '../database/index.ts';
import { Forbidden, type MediaId, type MxcUri, parseMediaId, type ServerName, TooSmall } from '../matrix/index.ts';
import type { MediaParts } from './media-parts.ts';
import { type ReceivedBytes, receiveBytes, tooLarge } from './received-bytes.ts';
import { commitObject, type ObjectPlace, placeObject } from './stored-object.ts';

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
}

/**
 * Keeps the bytes and answers their URI: a new one, or the one that the same user got for the same content under the
 * same name and type. When it resolves, bytes and row survive a crash. Specification: U-1 to U-13.
 * @throws {TooLarge} {@link TooSmall} {@link Forbidden} {@link StorageFull} {@link Unavailable}
 */
export async function upload(
  parts: MediaParts,
  config: Config,
  domain: DomainConfig,
  asked: Upload,
  signal: AbortSignal,
): Promise<MxcUri> {
  const maxBytes = domain.uploads.maxBytes > 0 ? domain.uploads.maxBytes : Number.POSITIVE_INFINITY;
  if ((asked.declaredBytes ?? 0) > maxBytes) throw tooLarge(maxBytes);
  refuseTooSmall(asked.declaredBytes, domain.uploads.minBytes);
  const datastore = parts.datastores.choose('local_media', domain.datastores);

  const received = await receiveBytes(asked.startBody(), datastore, maxBytes, signal);
  await using _temporary = received.temporary;
  refuseTooSmall(received.sizeBytes, domain.uploads.minBytes);

  await using _lock = await parts.locks.acquire(`mutex-${received.sha256}`, signal);
  if (await isHashQuarantined(parts.database.db, received.sha256)) {
    throw new Forbidden('This content has been blocked by the administrators of this server');
  }
  const { db } = parts.database;
  const placed = await placeObject(db, parts.datastores, datastore, received, signal);
  const earlier = await findUploadOfUser(db, {
    sha256_hash: received.sha256,
    user_id: asked.userId,
    upload_name: asked.uploadName,
    content_type: asked.contentType,
    origin: asked.origin,
  });
  const mediaId = parseMediaId(earlier?.media_id ?? parts.newUniqueId());
  const rows = earlier === undefined ? rowsOf(parts, config, asked, received, placed.place, mediaId) : [];
  await commitObject(parts.database, placed, rows, signal);
  return { origin: asked.origin, mediaId };
}

function rowsOf(
  parts: MediaParts,
  config: Config,
  asked: Upload,
  received: ReceivedBytes,
  place: ObjectPlace,
  mediaId: MediaId,
): CompilableQuery[] {
  const { db } = parts.database;
  const now = parts.now();
  const media = insertMedia(db, {
    origin: asked.origin,
    media_id: mediaId,
    upload_name: asked.uploadName,
    content_type: asked.contentType,
    user_id: asked.userId,
    sha256_hash: received.sha256,
    size_bytes: received.sizeBytes,
    creation_ts: now,
    quarantined: false,
    datastore_id: place.datastore_id,
    location: place.location,
  });
  const freeze = config.repo.freezeUnauthenticatedMedia ? [restrictToAuthenticated(db, asked.origin, mediaId)] : [];
  return [media, ...freeze, touchLastAccess(db, received.sha256, now)];
}

function refuseTooSmall(sizeBytes: number | undefined, minBytes: number): void {
  if (sizeBytes !== undefined && sizeBytes < minBytes) {
    throw new TooSmall(`The file is smaller than the ${minBytes} bytes that this server asks for`);
  }
}
