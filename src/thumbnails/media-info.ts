import type { DomainConfig } from '../config/index.ts';
import { findBlurhash, findThumbnailsOf, type MediaRow, type ThumbnailRow } from '../database/index.ts';
import { BadRequest, type MxcUri, TooLarge } from '../matrix/index.ts';
import type { MediaAsker } from '../media/index.ts';
import type { Size } from './choose-size.ts';
import { decodeMedia } from './decode-media.ts';
import { decoderLimitsOf, findMaxSourceBytes } from './suitable.ts';
import type { ThumbnailsParts } from './thumbnails.ts';

/** What can be told about a media without sending it. */
export interface MediaInfo {
  readonly media: MediaRow;
  /** Of the upright picture; `undefined` for what is no picture, or none that is decoded here. */
  readonly size: Size | undefined;
  /** That are stored by now. */
  readonly thumbnails: readonly ThumbnailRow[];
  /** If one is known and the domain has them. */
  readonly blurhash: string | undefined;
}

export interface MediaInfos {
  /** @throws {NotFound} and all else that the media itself would throw */
  find(domain: DomainConfig, uri: MxcUri, asker: MediaAsker, signal: AbortSignal): Promise<MediaInfo>;
}

export function createMediaInfos(parts: ThumbnailsParts): MediaInfos {
  const { db } = parts.database;
  return {
    async find(domain, uri, asker, signal) {
      const media = await parts.media.find(uri, asker, signal);
      const hasBlurhashes = domain.featureSupport.MSC2448.enabled;
      const [size, thumbnails, blurhash] = await Promise.all([
        measure(parts, domain, media, signal),
        findThumbnailsOf(db, uri.origin, uri.mediaId),
        hasBlurhashes ? findBlurhash(db, uri.origin, uri.mediaId) : undefined,
      ]);
      return { media, size, thumbnails, blurhash };
    },
  };
}

async function measure(
  parts: ThumbnailsParts,
  domain: DomainConfig,
  media: MediaRow,
  signal: AbortSignal,
): Promise<Size | undefined> {
  const isPicture = media.content_type.toLowerCase().startsWith('image/');
  if (!isPicture || media.size_bytes > findMaxSourceBytes(domain)) return undefined;
  try {
    return await decodeMedia(parts, domain, media, 'measurement', signal, (source, thumbnailer) =>
      thumbnailer.measure(source, decoderLimitsOf(domain), signal),
    );
  } catch (error) {
    if (error instanceof BadRequest || error instanceof TooLarge) return undefined;
    throw error;
  }
}
