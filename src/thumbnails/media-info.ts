import { LRUCache } from 'lru-cache';
import { createSingleFlight } from '../cluster/index.ts';
import type { DomainConfig } from '../config/index.ts';
import { findBlurhash, findThumbnailsOf, type MediaRow, type ThumbnailRow } from '../database/index.ts';
import { BadRequest, essenceOf, type MxcUri, TooLarge } from '../matrix/index.ts';
import type { MediaAsker } from '../media/index.ts';
import type { Size } from './choose-size.ts';
import { decodeMedia } from './decode-media.ts';
import type { Description } from './programs/extractor.ts';
import { findReadableContainer } from './readable-container.ts';
import { sourceOf } from './source.ts';
import { decoderLimitsOf, familiesListedIn, findMaxSourceBytes } from './suitable.ts';
import type { ThumbnailsParts } from './thumbnails.ts';

/** What can be told about a media without sending it. */
export interface MediaInfo {
  readonly media: MediaRow;
  /** `undefined` for what is not decoded here, or cannot be. */
  readonly content: MediaContent | undefined;
  /** That are stored by now. */
  readonly thumbnails: readonly ThumbnailRow[];
  /** If one is known and the domain has them. */
  readonly blurhash: string | undefined;
}

/** Sizes are those of the upright picture. */
export type MediaContent = ({ readonly kind: 'picture' } & Size) | Description;

export interface MediaInfos {
  /** @throws {NotFound} and all else that the media itself would throw */
  find(domain: DomainConfig, uri: MxcUri, asker: MediaAsker, signal: AbortSignal): Promise<MediaInfo>;
}

/** Of videos and sounds: those are the ones that take time, sounds most. */
const MAX_REMEMBERED = 100;

type Describe = (domain: DomainConfig, media: MediaRow, signal: AbortSignal) => Promise<Description | undefined>;

export function createMediaInfos(parts: ThumbnailsParts): MediaInfos {
  const { db } = parts.database;
  const describe = rememberingDescribe(parts);
  return {
    async find(domain, uri, asker, signal) {
      const media = await parts.media.find(uri, asker, signal);
      const hasBlurhashes = domain.featureSupport.MSC2448.enabled;
      const [content, thumbnails, blurhash] = await Promise.all([
        findContent(parts, describe, domain, media, signal),
        findThumbnailsOf(db, uri.origin, uri.mediaId),
        hasBlurhashes ? findBlurhash(db, uri.origin, uri.mediaId) : undefined,
      ]);
      return { media, content, thumbnails, blurhash };
    },
  };
}

async function findContent(
  parts: ThumbnailsParts,
  describe: Describe,
  domain: DomainConfig,
  media: MediaRow,
  signal: AbortSignal,
): Promise<MediaContent | undefined> {
  if (media.size_bytes > findMaxSourceBytes(domain)) return undefined;
  const [kind] = essenceOf(media.content_type).split('/', 1);
  try {
    if (kind === 'image') return { kind: 'picture', ...(await measure(parts, domain, media, signal)) };
    if (kind === 'audio' || kind === 'video') return await describe(domain, media, signal);
    return undefined;
  } catch (error) {
    if (error instanceof BadRequest || error instanceof TooLarge) return undefined;
    throw error;
  }
}

async function measure(
  parts: ThumbnailsParts,
  domain: DomainConfig,
  media: MediaRow,
  signal: AbortSignal,
): Promise<Size> {
  return await decodeMedia(parts, domain, media, 'measurement', signal, (object, thumbnailer) =>
    thumbnailer.measure(sourceOf(object, signal), decoderLimitsOf(domain), signal),
  );
}

/** A sound is decoded from begin to end: once for all who ask, and not again soon. */
function rememberingDescribe(parts: ThumbnailsParts): Describe {
  const known = new LRUCache<string, Description>({ max: MAX_REMEMBERED });
  const shareWork = createSingleFlight<Description | undefined>();
  return async (domain, media, asked) => {
    const families = familiesListedIn(domain.thumbnails.types);
    const key = `${media.sha256_hash} ${domain.serverName} ${families}`;
    return (
      known.get(key) ??
      (await shareWork(key, asked, async (signal) => {
        const found = await decodeMedia(parts, domain, media, 'description', signal, async (object, thumbnailer) => {
          const { extractor } = parts;
          const container = await findReadableContainer(extractor, object, families, signal);
          if (container === undefined) return undefined;
          return await thumbnailer.hold(() => extractor.describe(object, container, families, signal), signal);
        });
        if (found !== undefined) known.set(key, found);
        return found;
      }))
    );
  };
}
