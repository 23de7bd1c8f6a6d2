import { createSingleFlight } from '../cluster/index.ts';
import type { DomainConfig } from '../config/index.ts';
import { findBlurhash, type MediaRow, saveBlurhash } from '../database/index.ts';
import { formatMxcUri, type MxcUri } from '../matrix/index.ts';
import type { MediaAsker } from '../media/index.ts';
import { decodeMedia } from './decode-media.ts';
import { openPictureSource } from './picture-source.ts';
import { refuseUnsuitable } from './suitable.ts';
import type { ThumbnailsParts } from './thumbnails.ts';

/** What a picture looks like before it is there, in thirty characters. MSC2448. */
export interface Blurhashes {
  /** Keeps what the uploader says. */
  save(uri: MxcUri, blurhash: string): Promise<void>;
  /**
   * The one that was given or computed before, or else one that is computed now, once for all who ask at the same time.
   * @throws what thumbnails of this media throw
   */
  find(domain: DomainConfig, uri: MxcUri, asker: MediaAsker, signal: AbortSignal): Promise<string>;
}

/** Of the picture that stands for media that is none: waves across it need no more. */
const WANTED = { size: { width: 64, height: 64 }, method: 'scale' } as const;

export function createBlurhashes(parts: ThumbnailsParts): Blurhashes {
  const { db } = parts.database;
  const save = ({ origin, mediaId }: MxcUri, blurhash: string) =>
    parts.database.atomically([saveBlurhash(db, origin, mediaId, blurhash)]);
  const shareWork = createSingleFlight<string>();
  return {
    save,
    async find(domain, uri, asker, signal) {
      const media = await parts.media.find(uri, asker, signal);
      const known = await findBlurhash(db, uri.origin, uri.mediaId);
      if (known !== undefined) return known;
      refuseUnsuitable(media, domain);
      return await shareWork(formatMxcUri(uri), signal, async (shared) => {
        const blurhash = await compute(parts, domain, media, shared);
        await save(uri, blurhash);
        return blurhash;
      });
    },
  };
}

async function compute(
  parts: ThumbnailsParts,
  domain: DomainConfig,
  media: MediaRow,
  signal: AbortSignal,
): Promise<string> {
  const { xComponents, yComponents } = domain.featureSupport.MSC2448;
  return await decodeMedia(parts, domain, media, 'blurhash', signal, async (object, thumbnailer) => {
    const { source, limits } = await openPictureSource(parts.extractor, object, WANTED, domain, signal);
    return await thumbnailer.encodeBlurhash(source, { xComponents, yComponents, ...limits }, signal);
  });
}
