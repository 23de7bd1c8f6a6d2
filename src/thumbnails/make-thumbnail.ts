import type { DomainConfig } from '../config/index.ts';
import {
  type CompilableQuery,
  findObjectWithHash,
  type MediaRow,
  type ObjectPlace,
  touchLastAccess,
} from '../database/index.ts';
import { receiveBytes, storeObject } from '../media/index.ts';
import { type DecodingParts, decodeMedia } from './decode-media.ts';
import { openPictureSource } from './picture-source.ts';
import { type Shape, type StoredThumbnail, saveRow } from './thumbnail-rows.ts';
import type { Rendered } from './thumbnailer.ts';

/** A thumbnail that is stored, or the type of an original that is small enough to be sent as it is. */
export type Made = StoredThumbnail | string;

/** Makes and stores one, whatever there is. @throws as `Thumbnailer.render` */
export async function makeThumbnail(
  parts: DecodingParts,
  domain: DomainConfig,
  media: MediaRow,
  shape: Shape,
  signal: AbortSignal,
): Promise<Made> {
  const { width, height, ...rest } = shape;
  const job = {
    size: { width, height },
    ...rest,
    stillFrame: domain.thumbnails.stillFrame,
  };
  const rendered = await decodeMedia(
    parts,
    domain,
    media,
    shape.animated ? 'moving' : 'still',
    signal,
    async (object, thumbnailer) => {
      const { source, limits } = await openPictureSource(parts.extractor, object, job, domain, signal);
      return await thumbnailer.render(source, { ...job, ...limits }, signal);
    },
  );
  return rendered.kind === 'original'
    ? rendered.contentType
    : await store(parts, domain, media, shape, rendered, signal);
}

/** A still picture that was made where a moving one was wanted is also the still one of its size. */
async function store(
  parts: DecodingParts,
  domain: DomainConfig,
  media: MediaRow,
  shape: Shape,
  picture: Pick<Extract<Rendered, { kind: 'picture' }>, 'bytes' | 'contentType' | 'animated'>,
  signal: AbortSignal,
): Promise<StoredThumbnail> {
  const { db } = parts.database;
  const datastore = parts.datastores.choose('thumbnails', domain.datastores);
  const body = asStream(picture.bytes);
  const { receiveBuffers } = parts;
  const received = await receiveBytes(body, datastore, picture.contentType, receiveBuffers, Infinity, signal);
  await using _temporary = received.temporary;
  await using _lock = await parts.locks.acquire(`mutex-${received.sha256}`, signal);
  const known = await findObjectWithHash(db, received.sha256);
  const now = parts.now();
  const rowAt = ({ datastore_id, location }: ObjectPlace): StoredThumbnail => ({
    origin: media.origin,
    media_id: media.media_id,
    width: shape.width,
    height: shape.height,
    method: shape.method,
    content_type: picture.contentType,
    size_bytes: received.sizeBytes,
    location,
    creation_ts: now,
    sha256_hash: received.sha256,
    datastore_id,
  });
  const rowsAt = (place: ObjectPlace): CompilableQuery[] => {
    const row = rowAt(place);
    const rows = [saveRow(db, row, shape), touchLastAccess(db, received.sha256, now)];
    if (shape.animated && !picture.animated) rows.push(saveRow(db, row, { ...shape, animated: false }));
    return rows;
  };
  return rowAt(await storeObject(parts, datastore.id, received, known, rowsAt, signal));
}

async function* asStream(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
